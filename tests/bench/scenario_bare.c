/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the same guests under the loop that one would write for just them. Its devices are as
 * those of scenario_library.c: writes store, reads give what was stored.
 *
 * Source: Documentation/virt/kvm/api.rst.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "tests/bench/scenario.h"

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static void *map(size_t size, int flags, int fd)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	return memory;
}

/* 32-bit protected mode with flat segments. */
static void set_up(int vcpu)
{
	struct kvm_segment code = { .limit = 0xffffffff,
				    .selector = 8,
				    .type = 11,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1 };
	struct kvm_regs regs = { .rflags = 2, .rip = SCENARIO_ENTRY };
	struct kvm_segment data = code;
	struct kvm_sregs sregs;

	data.selector = 16;
	data.type = 3;
	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 |= 1;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

static void loop(int vcpu, struct kvm_run *run, uint64_t device)
{
	uint8_t registers[8] = { 0 };

	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			err(1, "KVM_RUN");
		switch (run->exit_reason) {
		case KVM_EXIT_IO: {
			uint8_t *data = (uint8_t *)run + run->io.data_offset;

			if (run->io.port != device)
				errx(1, "port 0x%x is not handled", run->io.port);
			if (run->io.direction == KVM_EXIT_IO_OUT)
				memcpy(registers, data, run->io.size);
			else
				memcpy(data, registers, run->io.size);
			break;
		}
		case KVM_EXIT_MMIO:
			if (run->mmio.phys_addr != device)
				errx(1, "0x%llx is not handled", run->mmio.phys_addr);
			if (run->mmio.is_write)
				memcpy(registers, run->mmio.data, sizeof(registers));
			else
				memcpy(run->mmio.data, registers, sizeof(registers));
			break;
		default: errx(1, "exit %u is not handled", run->exit_reason);
		}
	}
}

void scenario_run_bare(const struct scenario *scenario)
{
	struct kvm_userspace_memory_region slot = { .memory_size = SCENARIO_RAM };
	int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	uint8_t *ram = map(SCENARIO_RAM, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct kvm_run *run;
	int vcpu, size;

	slot.userspace_addr = (uintptr_t)ram;
	scenario_guest(scenario, ram);
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	run = map((size_t)size, MAP_SHARED, vcpu);
	set_up(vcpu);
	loop(vcpu, run, scenario_base(scenario, 0) + scenario->offset);
}
