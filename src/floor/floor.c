/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the least that runs a tiny guest on KVM, which `axvmm bench` compares itself with. One
 * vCPU, one slot, a loop around KVM_RUN that stores what is written to the test device and answers
 * with it, and nothing of the library.
 *
 * usage: axvmm-floor KVM IMAGE MODE LOAD BYTES
 *   IMAGE  a flat image, LOAD its address, BYTES the size of RAM
 * Standard output gets the nanoseconds and the number of exits between the first KVM_RUN and the
 * guest's end. Exit status: the guest's code; 125 when something failed.
 *
 * Source: Documentation/virt/kvm/api.rst.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "floor/floor.h"
#include "guests/abi.h"

#define FAILURE 125

int floor_check(int ret, const char *what)
{
	if (ret < 0)
		err(FAILURE, "%s", what);
	return ret;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *map(size_t size, int flags, int fd)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		err(FAILURE, "mmap");
	return memory;
}

static void load(uint8_t *ram, uint64_t size, const char *path, uint64_t address)
{
	int image = floor_check(open(path, O_RDONLY | O_CLOEXEC), path);

	if (address < floor_ram || address - floor_ram >= size)
		errx(FAILURE, "the load address is outside RAM");
	address -= floor_ram;
	floor_check((int)read(image, ram + address, size - address), path);
	close(image);
}

/* Until the guest says that it has ended: its code. */
static int run(int vcpu, struct kvm_run *run, uint64_t *exits)
{
	uint8_t scratch[8] = { 0 };

	for (;; ++*exits) {
		floor_check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
		if (run->exit_reason == KVM_EXIT_MMIO) {
			if (run->mmio.phys_addr == floor_test_device + AX_TEST_DONE)
				return run->mmio.data[0];
			memcpy(run->mmio.is_write ? scratch : run->mmio.data,
			       run->mmio.is_write ? run->mmio.data : scratch, run->mmio.len);
		} else if (run->exit_reason == KVM_EXIT_IO) {
			uint8_t *data = (uint8_t *)run + run->io.data_offset;

			if (run->io.direction == KVM_EXIT_IO_IN)
				memset(data, 0xff, (size_t)run->io.size * run->io.count);
			else if (run->io.port == AX_TEST_PORT_BASE + AX_TEST_PORT_DONE)
				return *data;
			else
				memcpy(scratch, data, run->io.size);
		} else {
			errx(FAILURE, "exit %u is not handled", run->exit_reason);
		}
	}
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region slot = { .guest_phys_addr = floor_ram };
	uint64_t entry, begin, exits = 0;
	int kvm, vm, vcpu, size, code;
	struct kvm_run *shared;

	if (argc != 6)
		errx(FAILURE, "usage: axvmm-floor KVM IMAGE MODE LOAD BYTES");
	entry = strtoull(argv[4], NULL, 0);
	slot.memory_size = strtoull(argv[5], NULL, 0);

	kvm = floor_check(open(argv[1], O_RDWR | O_CLOEXEC), argv[1]);
	vm = floor_check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	slot.userspace_addr =
		(uintptr_t)map(slot.memory_size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	load((uint8_t *)(uintptr_t)slot.userspace_addr, slot.memory_size, argv[2], entry);
	floor_check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	vcpu = floor_check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	size = floor_check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	shared = map((size_t)size, MAP_SHARED, vcpu);
	floor_start(vm, vcpu, argv[3], entry);

	begin = now_ns();
	code = run(vcpu, shared, &exits);
	printf("%" PRIu64 " %" PRIu64 "\n", now_ns() - begin, exits);
	return code;
}
