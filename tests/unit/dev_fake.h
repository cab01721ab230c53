/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM, host and state that device tests run against, in place of src/core: every function of the
 * public headers that src/dev calls, with what a test may look at and break. There is no KVM, no
 * thread and no clock in it; time passes when a test says so. What devices call from several threads
 * may be called so here.
 *
 * Linked with src/dev alone, which shows that devices need nothing else.
 */
#ifndef AXVMM_TESTS_UNIT_DEV_FAKE_H
#define AXVMM_TESTS_UNIT_DEV_FAKE_H

#include <check.h>
#include <pthread.h>

#include <axvmm/devices.h>
#include <axvmm/memory.h>
#include <axvmm/vcpu.h>
#include <axvmm/vm.h>

/* ck_assert() for loops: that one writes to a file each time, right or wrong. */
#define assert_quick(condition)                         \
	do {                                            \
		if (!(condition))                       \
			ck_abort_msg("%s", #condition); \
	} while (0)

#define FAKE_RANGES  24
#define FAKE_DEVICES 12
#define FAKE_VCPUS   4
#define FAKE_EVENTS  128
#define FAKE_TIMERS  4

struct AxVCpu {
	AxVm *vm;
	uint32_t id;
	unsigned injected_count;
	uint32_t injected[FAKE_EVENTS];
	unsigned cleared_count;
	unsigned kick_count;
	uint32_t kicks[FAKE_EVENTS];
};

struct fake_range {
	AxRange range; /* range.length 0: free */
	AxRangeId id;
	AxSpace space;
};

struct fake_device {
	char name[32]; /* empty: free */
	const AxDeviceOps *ops;
	void *opaque;
};

struct AxVm {
	pthread_mutex_t mutex; /* guards what the vCPUs' calls change: stops, injections, kicks */
	struct fake_range ranges[FAKE_RANGES];
	struct fake_device devices[FAKE_DEVICES];
	AxRangeId next_id;
	unsigned vcpu_count;
	AxVCpu vcpus[FAKE_VCPUS];
	unsigned stop_count;
	int stop_code;	       /* of the first ax_vm_stop() */
	int fail_range_add;    /* the n-th ax_range_add_*() from now fails (1: the next); 0: none */
	int fail_range_remove; /* the same for ax_range_remove(): -EDEADLK */
	int fail_device_remove; /* every ax_device_remove() fails while it is set */
	int inject_ret;		/* what ax_vcpu_inject_interrupt() returns */
	int clear_ret;		/* what ax_vcpu_clear_interrupt() returns */
	/* RAM: one writable piece, one read-only piece after it. */
	AxGuestPhysAddr ram_base;
	uint64_t ram_size;
	uint64_t readonly_size;
	uint8_t *ram;
	unsigned views; /* got and not put */
	bool refuse_views;
};

/* A VM with @vcpus vCPUs (ids 0, 1, ...) and 8 KiB of RAM at 64 KiB, of which the last 4 KiB are read-only. */
AxVm *fake_vm_new(unsigned vcpus);
/* Free it; the test fails when a device is still in it, or a view is held. */
void fake_vm_free(AxVm *vm);
unsigned fake_vm_ranges(const AxVm *vm);
/* The device of this name; NULL. */
struct fake_device *fake_vm_device(AxVm *vm, const char *name);

/* An access of the guest, dispatched as handler.h says: inside one range, or bytewise. */
AxHandled fake_read(AxVCpu *vcpu, AxSpace space, uint64_t addr, AxAccessWidth width,
		    uint64_t *value);
AxHandled fake_write(AxVCpu *vcpu, AxSpace space, uint64_t addr, AxAccessWidth width,
		     uint64_t value);
/* The same by vCPU 0, which must be handled; a byte. */
uint8_t fake_in(AxVm *vm, uint64_t port);
void fake_out(AxVm *vm, uint64_t port, uint8_t value);

/* An interrupt line that remembers. */
struct fake_line {
	bool level;
	unsigned rises;
	unsigned falls;
	unsigned calls; /* of set, whether it changed something or not */
};
AxIrq fake_irq(struct fake_line *line);

struct AxTimer {
	AxHost *host;
	AxTimerFn *fn;
	void *opaque;
	uint64_t deadline;
	bool used;
};

struct AxHost {
	pthread_mutex_t mutex; /* guards what follows */
	uint64_t now;
	unsigned arms; /* calls of ax_timer_arm() */
	AxTimer timers[FAKE_TIMERS];
};

AxHost *fake_host_new(void);
/* Free it; the test fails when a timer is still there. */
void fake_host_free(AxHost *host);
/* Let time pass, and timers fire in order of their deadlines. */
void fake_host_advance(AxHost *host, uint64_t ns);

/* The n-th allocation of this kind from now on fails (1: the next); 0: none does. */
void fake_fail_lock(int nth);
void fake_fail_timer(int nth);
void fake_fail_calloc(int nth);

/* Pseudo-random numbers, the same in every run. */
void fake_seed(uint32_t seed);
uint32_t fake_random(void);

/* Run a suite: what main() returns. */
int fake_run(Suite *suite);

/* Collects what a sink gets. */
struct fake_output {
	unsigned calls;
	size_t len;
	uint8_t bytes[8192];
};
AxCharSink fake_sink(struct fake_output *output);
/* Fails the test unless @output is this text, in @calls calls; then forgets it. */
void fake_output_is(struct fake_output *output, unsigned calls, const char *text);

/* Save through the device's ops; the caller frees the state. Restore from bytes: what the op returns. */
AxState *fake_save(struct fake_device *device);
int fake_restore(struct fake_device *device, const void *bytes, size_t len);
/* Save @from, restore into @to, save that: both states must be equal. */
void fake_check_round_trip(struct fake_device *from, struct fake_device *to);
/*
 * Restoring must refuse each state that is shorter than @device's own, leaving it as after a reset, and must survive every
 * change of one byte of it (accepted or refused).
 */
void fake_check_damaged_states(struct fake_device *device);

#endif
