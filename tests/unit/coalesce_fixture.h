/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of collected writes share: a VM whose KVM collects, and a device that notes what reaches
 * it, in which order.
 */
#ifndef AXVMM_TESTS_UNIT_COALESCE_FIXTURE_H
#define AXVMM_TESTS_UNIT_COALESCE_FIXTURE_H

#include "tests/unit/run_fixture.h"

#define COLLECTED      0xd0000000 /* the device's range, which is coalesced; */
#define COLLECTED_SIZE 0x100
#define PLAIN	       0xd0001000 /* another one of the same device, which is not; */
#define COLLECTED_PORT 0x500	  /* and its ports, which are */

struct noted {
	uint64_t base;
	uint64_t offset;
	unsigned width;
	bool is_write;
	uint64_t value;
	AxVCpu *vcpu;
	pthread_t thread;
};

#define NOTED_MOST 1024

/* One range. Handlers are one at a time, unless a test says otherwise. */
struct noter {
	struct log *log;
	uint64_t base;
	AxHandled verdict;
	void (*also)(AxVCpu *vcpu); /* called, too; NULL */
};

struct log {
	unsigned count;
	struct noted noted[NOTED_MOST];
	struct noter mmio, plain, ports;
	AxRangeId mmio_id, plain_id, ports_id;
};

static inline AxHandled note(AxVCpu *vcpu, struct noter *noter, struct noted noted)
{
	struct log *log = noter->log;

	noted.base = noter->base;
	noted.vcpu = vcpu;
	noted.thread = pthread_self();
	ck_assert_uint_lt(log->count, NOTED_MOST);
	log->noted[log->count++] = noted;
	if (noter->also)
		noter->also(vcpu);
	return noter->verdict;
}

static inline AxHandled note_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				  uint64_t *value)
{
	*value = 0;
	return note(vcpu, opaque, (struct noted){ .offset = offset, .width = 1u << width });
}

static inline AxHandled note_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
				   uint64_t value)
{
	return note(
		vcpu, opaque,
		(struct noted){
			.offset = offset, .width = 1u << width, .is_write = true, .value = value });
}

static const AxRangeOps note_ops = { .size = sizeof(AxRangeOps),
				     .read = note_read,
				     .write = note_write };

static inline AxRange noted_range(struct noter *noter, uint64_t length, unsigned flags)
{
	AxRange range = AX_RANGE_INIT;

	range.name = "noter";
	range.base = noter->base;
	range.length = length;
	range.ops = &note_ops;
	range.opaque = noter;
	range.flags = flags;
	return range;
}

static inline void kvm_collects(void)
{
	fake_set_cap(KVM_CAP_COALESCED_MMIO, FAKE_RING_PAGE);
	fake_set_cap(KVM_CAP_COALESCED_PIO, 1);
}

static inline void add_log(AxVm *vm, struct log *log)
{
	AxRange range;

	log->mmio = (struct noter){ .log = log, .base = COLLECTED };
	log->plain = (struct noter){ .log = log, .base = PLAIN };
	log->ports = (struct noter){ .log = log, .base = COLLECTED_PORT };
	range = noted_range(&log->mmio, COLLECTED_SIZE, AX_RANGE_COALESCED);
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &log->mmio_id, NULL), 0);
	range = noted_range(&log->plain, COLLECTED_SIZE, 0);
	ck_assert_int_eq(ax_range_add_mmio(vm, &range, &log->plain_id, NULL), 0);
	range = noted_range(&log->ports, 8, AX_RANGE_COALESCED);
	ck_assert_int_eq(ax_range_add_ports(vm, &range, &log->ports_id, NULL), 0);
	ck_assert(ax_range_is_coalesced(vm, log->mmio_id));
	ck_assert(!ax_range_is_coalesced(vm, log->plain_id));
	ck_assert(ax_range_is_coalesced(vm, log->ports_id));
}

/* A VM with the device and the port that stops. */
static inline AxVm *new_collecting_vm(struct log *log)
{
	AxVm *vm;

	kvm_collects();
	vm = new_strict_vm(AX_IRQCHIP_NONE);
	memset(log, 0, sizeof(*log));
	add_log(vm, log);
	add_stop_port(vm);
	return vm;
}

static inline void collect(uint64_t addr, unsigned len, uint64_t value)
{
	ck_assert(fake_collect(0, addr < 0x10000, addr, len, value));
}

/* ax_vm_run() on a thread of its own. */
struct run {
	AxVm *vm;
	AxVmResult result;
	pthread_t thread;
};

static inline void *run_on_its_thread(void *opaque)
{
	struct run *run = opaque;

	run->result = (AxVmResult)AX_VM_RESULT_INIT;
	ck_assert_int_eq(ax_vm_run(run->vm, &run->result, NULL), 0);
	return NULL;
}

static inline void begin_run(struct run *run, AxVm *vm)
{
	run->vm = vm;
	ck_assert_int_eq(pthread_create(&run->thread, NULL, run_on_its_thread, run), 0);
}

#define ck_assert_noted(log, index, at, len, written)                   \
	do {                                                            \
		const struct noted *noted_ = &(log)->noted[index];      \
                                                                        \
		ck_assert_uint_lt((index), (log)->count);               \
		ck_assert(noted_->is_write);                            \
		ck_assert_uint_eq(noted_->base + noted_->offset, (at)); \
		ck_assert_uint_eq(noted_->width, (len));                \
		ck_assert_uint_eq(noted_->value, (written));            \
	} while (0)

#endif
