/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that runs a guest on KVM: what axvmm's start-up, its cost for each exit and its memory
 * are compared with. It boots a flat real-mode guest (hello-real, bench-*, demo) in
 * 128 MiB, prints what goes to COM1, and handles every exit inside its loop.
 *
 * usage: bare [--park] [--cpuid] IMAGE [LOAD]
 *   LOAD     load address, default 0x8000; the guest starts there in real mode
 *   --park   at the first HLT sleep until killed, for measuring memory
 *   --cpuid  give the guest the CPUID that KVM supports, without which it has none: what every VMM
 *            has to do, and the most expensive part of a start where CPUID traps (nested KVM)
 * Exit status: the guest's code, or 2 * v + 1 for a write of v to port 0xf4; 125 when it fails.
 *
 * Source: Documentation/virt/kvm/api.rst. No library of the project is used, only guests/abi.h.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guests/abi.h"

#define RAM_SIZE (128u << 20)
#define FAILURE	 125

#define CPUID_ENTRIES 128

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(FAILURE, "%s", what);
	return ret;
}

static void set_cpuid(int kvm, int vcpu)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));

	if (!cpuid)
		err(FAILURE, "CPUID");
	cpuid->nent = CPUID_ENTRIES;
	check(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	check(ioctl(vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

int main(int argc, char **argv)
{
	int park = argc > 1 && !strcmp(argv[1], "--park");
	int cpuid = argc > park + 1 && !strcmp(argv[park + 1], "--cpuid");
	int options = park + cpuid;
	uint64_t load = argc > options + 2 ? strtoull(argv[options + 2], NULL, 0) : 0x8000;
	struct kvm_userspace_memory_region slot = { .memory_size = RAM_SIZE };
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	uint8_t scratch[8] = { 0 };
	uint8_t *ram;
	int kvm, vm, vcpu, image, run_size;

	if (argc < options + 2 || load >= 1u << 20)
		errx(FAILURE, "usage: bare [--park] [--cpuid] IMAGE [LOAD]");

	kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	image = check(open(argv[options + 1], O_RDONLY | O_CLOEXEC), argv[options + 1]);

	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram == MAP_FAILED)
		err(FAILURE, "mmap of RAM");
	check(read(image, ram + load, RAM_SIZE - load), argv[options + 1]);
	slot.userspace_addr = (uintptr_t)ram;
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");

	vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	run_size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		err(FAILURE, "mmap of kvm_run");
	if (cpuid)
		set_cpuid(kvm, vcpu);
	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = load;
	sregs.cs.selector = load >> 4;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");

	for (;;) {
		check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
		switch (run->exit_reason) {
		case KVM_EXIT_IO: {
			uint8_t *data = (uint8_t *)run + run->io.data_offset;

			if (run->io.direction == KVM_EXIT_IO_IN)
				memset(data, 0xff, (size_t)run->io.size * run->io.count);
			else if (run->io.port == AX_PORT_COM1)
				check(write(STDOUT_FILENO, data, run->io.count), "stdout");
			else if (run->io.port == AX_TEST_PORT_BASE + AX_TEST_PORT_SCRATCH)
				memcpy(scratch, data, run->io.size);
			else if (run->io.port == AX_PORT_DEBUG_EXIT)
				return *data << 1 | 1;
			else if (run->io.port == AX_TEST_PORT_BASE + AX_TEST_PORT_DONE)
				return *data;
			break;
		}
		case KVM_EXIT_MMIO:
			if (run->mmio.phys_addr == AX_TEST_BASE_X86_64 + AX_TEST_SCRATCH)
				memcpy(run->mmio.is_write ? scratch : run->mmio.data,
				       run->mmio.is_write ? run->mmio.data : scratch,
				       run->mmio.len);
			else if (!run->mmio.is_write)
				memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
			break;
		case KVM_EXIT_HLT:
			if (!park)
				errx(FAILURE, "the guest halted");
			pause();
			break;
		default: errx(FAILURE, "exit %u is not handled", run->exit_reason);
		}
	}
}
