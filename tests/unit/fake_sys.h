/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KVM for unit tests: replaces src/sys/sys.c at link time, same prototypes.
 *
 * It keeps descriptors (device, VM, vCPU, device of a VM), answers the ioctls that the core makes
 * the way KVM would, records each call with a copy of its argument, fails those that a test names,
 * and "runs" a vCPU by taking the next of the steps that the test has queued for it. There is no
 * guest: a step is a function that fills kvm_run.
 *
 * VMs and vCPUs are named by their number in the order of creation since the reset, over all VMs:
 * 0, 1, ... Functions that take such a number may be called before the thing exists.
 *
 * All functions may be called from any thread; steps run on the thread that called KVM_RUN, without
 * a lock held. The fake is one for the whole process: fake_sys_reset() at the start of each test.
 */
#ifndef AXVMM_TESTS_UNIT_FAKE_SYS_H
#define AXVMM_TESTS_UNIT_FAKE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/sys.h"

/* Forget everything: steps, records, failures, descriptors (also those that are still open). */
void fake_sys_reset(void);

/* Descriptors and mapped kvm_runs that are open now: 0 at the end of a test that leaks nothing. */
unsigned fake_sys_open_count(void);

/*
 * Calls so far on a descriptor that is none, is closed, or is of the wrong kind: 0 in every good
 * test.
 */
unsigned fake_bad_calls(void);

/* The parts of the seam that are no ioctl, as request numbers. sys_vcpu_run() is KVM_RUN. */
enum { FAKE_OPEN = 1, FAKE_MAP_RUN = 2, FAKE_STATS_READ = 3 };

/*
 * Failures. The @nth call of @request from now on (1: the next; 0: every one) returns -@os_errno,
 * with nothing done. Any number of rules hold at once; each but "every" is used up when it strikes.
 * fake_fail_any() counts all calls that can fail, whatever they are.
 */
void fake_fail(unsigned long request, unsigned nth, int os_errno);
void fake_fail_any(unsigned nth, int os_errno);
void fake_fail_clear(void);
/* How often a rule has struck since the reset. */
unsigned fake_failed(void);

/* Let every later @request that succeeds return @ret (KVM_GET_API_VERSION, say). */
void fake_set_result(unsigned long request, int ret);

/* What KVM_CHECK_EXTENSION says: 0 absent. KVM_ENABLE_CAP of an absent one fails with EINVAL. */
void fake_set_cap(unsigned cap, int value);

/*
 * One call of the record. Kept until the reset, but at most 16,384 calls of it; the counters go on.
 * bytes is a copy of the argument as it was given, with a trailing array; NULL: it was a value.
 */
struct fake_call {
	unsigned long request;
	int fd;
	unsigned number; /* of the VM or vCPU that it was made on */
	uintptr_t arg;	 /* as given */
	const void *bytes;
	size_t size;
	int ret;
};

/* How many calls of @request there were, failed ones included; all kinds together. */
unsigned fake_calls(unsigned long request);
unsigned fake_calls_all(void);
/* The @index-th call of @request, from 0; NULL when there were fewer. Valid until the reset. */
const struct fake_call *fake_call(unsigned long request, unsigned index);
/* Its argument, where it is a struct. */
#define FAKE_ARG(type, request, index) ((const type *)fake_call((request), (index))->bytes)
/* The last call of @request; NULL. */
const struct fake_call *fake_last_call(unsigned long request);
/* The @index-th call of all; NULL. */
const struct fake_call *fake_call_at(unsigned index);

/*
 * Running. A step fills @run and returns KVM_RUN's result: 0 or a negative errno. On entry, as KVM
 * does, the access that is still pending is completed first, then immediate_exit is looked at
 * (EINTR: no step is taken), then the next step is taken. Without a step the vCPU's guest
 * (fake_set_guest) is asked; without one the guest spins: see fake_spin().
 */
typedef int fake_step_fn(struct kvm_run *run, void *arg);

void fake_push(unsigned vcpu, fake_step_fn *fn, void *arg);
/*
 * The same, but it is the second half of the access before it (x86 MMIO across a page): it comes
 * out of the completion of that one, also when immediate_exit is set.
 */
void fake_push_half(unsigned vcpu, fake_step_fn *fn, void *arg);
/* What is asked whenever no step is queued. */
void fake_set_guest(unsigned vcpu, fake_step_fn *fn, void *arg);
/* Steps that have not been taken. */
unsigned fake_steps_left(unsigned vcpu);

/*
 * Steps that copy their parameters. Port bytes: size * count of them for a write; NULL for a read.
 */
void fake_push_port(unsigned vcpu, uint16_t port, unsigned size, unsigned count, const void *out);
void fake_push_mmio_read(unsigned vcpu, uint64_t addr, unsigned len);
void fake_push_mmio_write(unsigned vcpu, uint64_t addr, unsigned len, uint64_t value);
/* Second half of a page-crossing access. */
void fake_push_half_mmio(unsigned vcpu, uint64_t addr, unsigned len, bool write, uint64_t value);
/* An exit reason alone, or an errno with exit_reason 0. */
void fake_push_exit(unsigned vcpu, uint32_t exit_reason);
void fake_push_errno(unsigned vcpu, int os_errno);
/* All of the exit's description, from exit_reason to the end of the union, as in @run. */
void fake_push_run(unsigned vcpu, const struct kvm_run *run);
/* Spin until somebody ends it. */
void fake_push_spin(unsigned vcpu);

/*
 * For steps: do nothing until immediate_exit is set or a signal arrives. Returns -EINTR with
 * exit_reason KVM_EXIT_INTR. Ends the process with a message after some 40 seconds, because a
 * hanging test says nothing.
 */
int fake_spin(struct kvm_run *run);

/* Entries so far, and those of them that ended by immediate_exit without a step. */
unsigned fake_entries(unsigned vcpu);
unsigned fake_immediate_exits(unsigned vcpu);

/*
 * kvm_run as the kernel saw it when it completed the vCPU's last pending access: what the guest
 * got.
 */
struct fake_completion {
	unsigned count; /* completions so far */
	struct kvm_run run;
	uint8_t port[4096]; /* the bytes at io.data_offset, size * count of them */
};
/* Copies; all zero when nothing was completed. Not while the vCPU is in KVM_RUN. */
void fake_completed(unsigned vcpu, struct fake_completion *completion);

/* A vCPU's kvm_run; NULL when it is not mapped. */
struct kvm_run *fake_run(unsigned vcpu);

/*
 * Registers and the like that a GET or SET ioctl moves: direct access by the GET request. False:
 * nothing is there.
 */
bool fake_get_state(unsigned vcpu, unsigned long get_request, void *value, size_t size);
void fake_set_state(unsigned vcpu, unsigned long get_request, const void *value, size_t size);

/*
 * Memory slots of a VM that exist now, and the host's pointer to guest memory; NULL: not in a slot.
 */
unsigned fake_slots(unsigned vm);
void *fake_guest_pointer(unsigned vm, uint64_t gpa, size_t len);

/*
 * A guest's write that KVM looks at before userspace: true when an ioeventfd took it (and was
 * written).
 */
bool fake_guest_write(unsigned vm, bool port, uint64_t addr, unsigned len, uint64_t value);
/* ioeventfds and irqfds of a VM now. */
unsigned fake_ioeventfds(unsigned vm);
unsigned fake_irqfds(unsigned vm);

/*
 * A guest's write that KVM collects: true when it went into the ring; false: no zone has it, or the ring
 * is full, and it makes an exit. KVM_CAP_COALESCED_MMIO is FAKE_RING_PAGE when it is there, which a test
 * says by fake_set_cap(). Thread: any, in a step, too.
 */
#define FAKE_RING_PAGE	 2
#define FAKE_RING_SIZE	 170 /* entries, of which one is always empty */
bool fake_collect(unsigned vm, bool port, uint64_t addr, unsigned len, uint64_t value);
/* The same as one of KVM's own steps: put this into the ring, whatever it is. */
void fake_put_entry(unsigned vm, const struct kvm_coalesced_mmio *entry);
/* The ring, in the first vCPU's pages; NULL. */
struct kvm_coalesced_mmio_ring *fake_ring(unsigned vm);
/* Zones of a VM now. */
unsigned fake_zones(unsigned vm);

/*
 * What every descriptor of KVM_GET_STATS_FD reads as: bytes of the format of api.rst 4.133, borrowed;
 * at most @piece at a time (0: all). Without them it reads as empty.
 */
void fake_set_stats(const void *bytes, size_t size, size_t piece);

/* The level that KVM_IRQ_LINE gave to a GSI last; -1 never. */
int fake_irq_level(unsigned vm, unsigned gsi);

#endif
