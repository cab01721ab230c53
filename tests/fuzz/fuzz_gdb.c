/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: what a peer sends to the stub for gdb. The input is the bytes of a connection, in which
 * 0xfe ends a piece: the loop runs, and the answers are read. The VM is the fake KVM's, and stands; what
 * the peer does to it it may, but the stub goes on, lets go of it at the end, and touches no memory that
 * is not the guest's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <axvmm/axvmm.h>
#include <axvmm/gdb.h>

#include "tests/temporary.h"
#include "tests/unit/fake_sys.h"

#define RAM	  0x8000
#define PIECE_END 0xfe

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_kill(void *opaque)
{
	ax_vm_stop(opaque, 1);
}

static AxVm *make_vm(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpu *vcpu;
	AxVm *vm;

	/* What x86-64 finds out in a VM of its own is that nothing works: then all is hardware's. */
	if (ax_vm_create(&options, &vm, NULL) || ax_ram_add(vm, 0, RAM, 0, NULL))
		abort();
	for (unsigned i = 0; i < 2; i++) {
		if (ax_vcpu_create(vm, i, &vcpu, NULL) || ax_vcpu_setup(vcpu, &setup, NULL))
			abort();
	}
	return vm;
}

static int debug_step(struct kvm_run *run, void *arg)
{
	(void)arg;
	run->exit_reason = KVM_EXIT_DEBUG;
	memset(&run->debug, 0, sizeof(run->debug));
	return 0;
}

static AxGdb *make_stub(AxHost *host, AxVm *vm, const char *path)
{
	AxGdbConfig config = AX_GDB_CONFIG_INIT;
	char address[80];
	AxGdb *gdb;

	snprintf(address, sizeof(address), "unix:%s", path);
	config.address = address;
	config.wait = true;
	config.kill = on_kill;
	config.opaque = vm;
	/* Steps and breakpoint instructions work. */
	fake_push(2, debug_step, NULL);
	fake_push(2, debug_step, NULL);
	if (ax_gdb_new(host, &config, &gdb, NULL) || ax_gdb_attach(gdb, vm, NULL))
		abort();
	return gdb;
}

static int connect_to(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)))
		abort();
	return fd;
}

/* Everything that is due; what comes back is not looked at. */
static void dispatch(AxHost *host, int fd)
{
	char answers[4096];

	for (unsigned i = 0; i < 64 && ax_loop_dispatch(host, i ? 0 : 1, NULL) > 0; i++) {
		while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
			;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[32], path[TEMPORARY_SIZE];
	AxHost *host;
	AxGdb *gdb;
	AxVm *vm;
	int fd;

	if (size > 4096)
		return 0;
	fake_sys_reset();
	snprintf(name, sizeof(name), "fuzz-gdb-%ld", (long)getpid());
	unlink(temporary_path(path, name));
	vm = make_vm();
	if (ax_host_new(NULL, NULL, &host, NULL))
		abort();
	gdb = make_stub(host, vm, path);
	fd = connect_to(path);
	dispatch(host, fd);
	while (size) {
		const uint8_t *end = memchr(data, PIECE_END, size);
		size_t piece = end ? (size_t)(end - data) : size;

		if (send(fd, data, piece, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		dispatch(host, fd);
		piece += end != NULL;
		data += piece;
		size -= piece;
	}
	close(fd);
	dispatch(host, fd);
	ax_gdb_detach(gdb);
	ax_gdb_free(gdb);
	ax_host_free(host);
	/* Nothing holds it any more. */
	if (!ax_vm_resume(vm, NULL))
		abort();
	ax_vm_destroy(vm);
	return 0;
}
