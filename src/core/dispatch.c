/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch: every kind of exit has one small function here that finds its handler. The loop's fast
 * path (loop.c) covers plain port and MMIO accesses to a range that hit before; all else comes
 * through here.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "arch/arch.h"
#include "core/dispatch.h"
#include "core/exit.h"
#include "core/notify.h"
#include "core/record.h"
#include "core/reply.h"
#include "core/vm.h"

/* One access of one width, or one element of a string access: the place, and what came of it. */
struct access {
	enum range_space space;
	uint64_t addr;
	unsigned size; /* bytes, a width's */
	bool is_write;
	uint64_t value;
};

/* AX_STOP beats AX_UNHANDLED beats AX_HANDLED: of the pieces of one exit. */
static AxHandled worse(AxHandled a, AxHandled b)
{
	return a > b ? a : b;
}

const struct range *dispatch_cache(AxVCpu *vcpu, enum range_space space, uint64_t addr,
				   unsigned width)
{
	struct range *range = range_find(&vcpu->snapshot->table[space], addr);

	if (!range || range->uncached || vcpu->vm->record || !range_fits(range, addr, width) ||
	    notify_overlaps(vcpu->snapshot, space, range->base, range->length))
		return NULL;
	range_cache_enter(&vcpu->cache[space], range_cache_hash(space, addr), range);
	return range;
}

/* The access lies inside one range, or in none. */
static AxHandled access_range(AxVCpu *vcpu, struct access *access, const struct range *range)
{
	uint64_t mask = exit_mask(access->size);
	AxAccessWidth width = exit_width(access->size);
	AxHandled handled;
	uint64_t offset;

	if (!range) {
		access->value = mask;
		return AX_UNHANDLED;
	}
	offset = access->addr - range->base;
	if (access->is_write)
		return range->ops.write(vcpu, range->opaque, offset, width, access->value & mask);
	access->value = 0;
	handled = range->ops.read(vcpu, range->opaque, offset, width, &access->value);
	access->value = handled == AX_UNHANDLED ? mask : access->value & mask;
	return handled;
}

/*
 * @size bytes at @addr, each to its own range: what crosses a range's end, or has a length that is
 * no width.
 */
static AxHandled access_bytewise(AxVCpu *vcpu, struct access *access)
{
	const struct range_table *table = &vcpu->snapshot->table[access->space];
	AxHandled handled = AX_HANDLED;
	uint64_t value = 0;

	for (unsigned i = 0; i < access->size; i++) {
		struct access byte = { .space = access->space,
				       .addr = access->addr + i,
				       .size = 1,
				       .is_write = access->is_write,
				       .value = access->value >> (8 * i) & 0xff };

		/* Past the last port, or past the end of the address space: nobody is there. */
		bool wraps = byte.addr < access->addr ||
			     (byte.space == RANGE_PORT && byte.addr > UINT16_MAX);
		const struct range *range = wraps ? NULL : range_find(table, byte.addr);

		handled = worse(handled, access_range(vcpu, &byte, range));
		value |= byte.value << (8 * i);
	}
	access->value = value;
	return handled;
}

static AxHandled do_access(AxVCpu *vcpu, struct access *access)
{
	const struct range_table *table = &vcpu->snapshot->table[access->space];
	const struct range *range;

	if (access->is_write && vcpu->snapshot->notify_count && exit_is_width(access->size) &&
	    notify_soft_write(vcpu, access->space, access->addr, access->size, access->value))
		return AX_HANDLED;
	if (!exit_is_width(access->size))
		return access_bytewise(vcpu, access);
	range = range_find(table, access->addr);
	if (range && access->size <= range->length - (access->addr - range->base))
		return access_range(vcpu, access, range);
	if (access->size == 1)
		return access_range(vcpu, access, NULL);
	return access_bytewise(vcpu, access);
}

static AxHandled dispatch_mmio_read(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	struct access access = { .space = RANGE_MMIO,
				 .addr = exit->mmio_read.addr,
				 .size = exit->mmio_read.len };
	AxHandled handled = do_access(vcpu, &access);

	reply_value(vcpu, access.value);
	*answer = access.value;
	return handled;
}

static AxHandled dispatch_mmio_write(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	struct access access = { .space = RANGE_MMIO,
				 .addr = exit->mmio_write.addr,
				 .size = exit->mmio_write.len,
				 .is_write = true,
				 .value = exit->mmio_write.data };

	(void)answer;
	return do_access(vcpu, &access);
}

/* String input: each element is a read of the same port. */
static AxHandled dispatch_io_read(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	unsigned size = 1u << exit->io_read.width;
	uint8_t *bytes = exit->io_read.bytes;
	AxHandled handled = AX_HANDLED;

	for (uint32_t i = 0; i < exit->io_read.count; i++) {
		struct access access = { .space = RANGE_PORT,
					 .addr = exit->io_read.port,
					 .size = size };

		handled = worse(handled, do_access(vcpu, &access));
		memcpy(bytes + (size_t)i * size, &access.value, size);
		if (!i)
			*answer = access.value;
	}
	return handled;
}

static AxHandled dispatch_io_write(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	unsigned size = 1u << exit->io_write.width;
	AxHandled handled = AX_HANDLED;

	(void)answer;
	for (uint32_t i = 0; i < exit->io_write.count; i++) {
		struct access access = { .space = RANGE_PORT,
					 .addr = exit->io_write.port,
					 .size = size,
					 .is_write = true };

		memcpy(&access.value, exit->io_write.bytes + (size_t)i * size, size);
		handled = worse(handled, do_access(vcpu, &access));
	}
	return handled;
}

static const struct sys_reg_range *find_sys_reg(const AxVm *vm, AxSysRegAddr addr)
{
	for (unsigned i = 0; i < vm->sys_reg_count; i++) {
		const struct sys_reg_range *range = &vm->sys_regs[i];

		if (addr >= range->first && addr - range->first < range->count)
			return range;
	}
	return NULL;
}

static bool was_skipped(const AxVm *vm, AxSysRegAddr addr, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		if (vm->skipped[i] == addr)
			return true;
	}
	return false;
}

/* Whether a register was not told of yet; remembers it when there is room. */
static bool is_news(AxVm *vm, AxSysRegAddr addr)
{
	unsigned seen = atomic_load_explicit(&vm->skipped_count, memory_order_acquire), count;
	bool news;

	/* A guest may poll one: no lock for those that are known. */
	if (was_skipped(vm, addr, 0, seen) || seen == SKIPPED_MAX)
		return false;
	pthread_mutex_lock(&vm->lock);
	count = vm->skipped_count;
	news = count < SKIPPED_MAX && !was_skipped(vm, addr, seen, count);
	if (news) {
		vm->skipped[count] = addr;
		atomic_store_explicit(&vm->skipped_count, count + 1, memory_order_release);
	}
	pthread_mutex_unlock(&vm->lock);
	return news;
}

/*
 * A register that nobody knows: whether the guest is to find it, at 0. KVM reports x86-64's alone, and
 * says why: one that it knows has been given a value that it cannot have.
 */
static bool skip_sys_reg(AxVCpu *vcpu, AxSysRegAddr addr, const char *access)
{
	AxVm *vm = vcpu->vm;

	if (!vm->skips_sys_regs || vcpu->run->exit_reason == KVM_EXIT_RISCV_CSR ||
	    vcpu->run->msr.reason != KVM_MSR_EXIT_REASON_UNKNOWN)
		return false;
	if (is_news(vm, addr))
		vm_log(vm, AX_LOG_INFO, "register 0x%llx is unknown to KVM: %s",
		       (unsigned long long)addr, access);
	return true;
}

static AxHandled dispatch_sys_reg_read(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const struct sys_reg_range *range = find_sys_reg(vcpu->vm, exit->sys_reg_read.addr);
	AxHandled handled = AX_UNHANDLED;
	uint64_t value = 0;

	if (range && range->ops->read)
		handled = range->ops->read(vcpu, range->opaque, exit->sys_reg_read.addr, &value);
	if (handled == AX_UNHANDLED && !range &&
	    skip_sys_reg(vcpu, exit->sys_reg_read.addr, "it reads as 0"))
		handled = AX_HANDLED;
	if (handled == AX_UNHANDLED) {
		ax_vcpu_reply_fault(vcpu);
		return handled;
	}
	reply_value(vcpu, value);
	*answer = value;
	return handled;
}

/* A CSR instruction that writes also reads, before, and may write some bits only. */
static AxHandled swap_csr(AxVCpu *vcpu, const struct sys_reg_range *range,
			  const AxExitSysRegWrite *exit, uint64_t *answer)
{
	AxHandled read = AX_UNHANDLED, written;
	uint64_t old = 0;

	if (range->ops->read)
		read = range->ops->read(vcpu, range->opaque, exit->addr, &old);
	if (read == AX_UNHANDLED)
		old = 0;
	written = range->ops->write(vcpu, range->opaque, exit->addr,
				    (old & ~exit->mask) | (exit->value & exit->mask));
	*answer = old;
	reply_value(vcpu, old);
	return read == AX_STOP && written == AX_HANDLED ? AX_STOP : written;
}

static AxHandled dispatch_sys_reg_write(AxVCpu *vcpu, const AxVCpuExitReason *exit,
					uint64_t *answer)
{
	const struct sys_reg_range *range = find_sys_reg(vcpu->vm, exit->sys_reg_write.addr);
	AxHandled handled = AX_UNHANDLED;

	if (range && range->ops->write && vcpu->run->exit_reason == KVM_EXIT_RISCV_CSR)
		handled = swap_csr(vcpu, range, &exit->sys_reg_write, answer);
	else if (range && range->ops->write)
		handled = range->ops->write(vcpu, range->opaque, exit->sys_reg_write.addr,
					    exit->sys_reg_write.value);
	else if (!range && skip_sys_reg(vcpu, exit->sys_reg_write.addr, "a write is dropped"))
		handled = AX_HANDLED;
	if (handled == AX_UNHANDLED)
		ax_vcpu_reply_fault(vcpu);
	return handled;
}

static AxHandled dispatch_hypercall(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxHypercallOps *ops = vcpu->vm->hypercall_ops;
	uint64_t result = exit->hypercall.route == AX_ROUTE_SBI ? 0 : arch_hypercall_unknown;
	AxHandled handled = AX_HANDLED;

	if (!ops || !ops->call)
		return AX_UNHANDLED;
	vcpu->pending.error = 0;
	if (exit->hypercall.cpl && !(vcpu->vm->hypercall.flags & AX_HYPERCALL_USER))
		result = (uint64_t)-EPERM;
	else
		handled = ops->call(vcpu, vcpu->vm->hypercall_opaque, exit, &result);
	if (handled == AX_UNHANDLED) {
		*answer = reply_unknown(vcpu);
		/* The guest has its answer: the call is dealt with. */
		return AX_HANDLED;
	}
	/* A block that is no longer in RAM: there is nobody to tell. */
	reply_hypercall(vcpu, result);
	*answer = result;
	return handled;
}

static AxHandled dispatch_halt(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxPowerOps *ops = vcpu->vm->power_ops;

	(void)exit;
	(void)answer;
	return ops && ops->halt ? ops->halt(vcpu, vcpu->vm->power_opaque) : AX_UNHANDLED;
}

static AxHandled dispatch_cpu_up(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxPowerOps *ops = vcpu->vm->power_ops;

	(void)answer;
	if (!ops || !ops->cpu_up)
		return AX_UNHANDLED;
	return ops->cpu_up(vcpu, vcpu->vm->power_opaque, exit->cpu_up.target_cpu,
			   exit->cpu_up.entry_point, exit->cpu_up.arg);
}

static AxHandled dispatch_cpu_down(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxPowerOps *ops = vcpu->vm->power_ops;

	(void)answer;
	return ops && ops->cpu_down
		       ? ops->cpu_down(vcpu, vcpu->vm->power_opaque, exit->cpu_down.state)
		       : AX_UNHANDLED;
}

static AxHandled dispatch_system_down(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxPowerOps *ops = vcpu->vm->power_ops;

	(void)answer;
	return ops && ops->system_down ? ops->system_down(vcpu, vcpu->vm->power_opaque, exit)
				       : AX_UNHANDLED;
}

static AxHandled dispatch_page_fault(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxEventOps *ops = vcpu->vm->event_ops;

	(void)answer;
	return ops && ops->page_fault ? ops->page_fault(vcpu, vcpu->vm->event_opaque, exit)
				      : AX_UNHANDLED;
}

static AxHandled dispatch_interrupt(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxEventOps *ops = vcpu->vm->event_ops;

	(void)answer;
	return ops && ops->interrupt ? ops->interrupt(vcpu, vcpu->vm->event_opaque,
						      exit->external_interrupt.vector)
				     : AX_UNHANDLED;
}

static AxHandled dispatch_send_ipi(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxEventOps *ops = vcpu->vm->event_ops;

	(void)answer;
	return ops && ops->send_ipi ? ops->send_ipi(vcpu, vcpu->vm->event_opaque, exit)
				    : AX_UNHANDLED;
}

static AxHandled dispatch_irq_eoi(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxEventOps *ops = vcpu->vm->event_ops;

	(void)answer;
	return ops && ops->irq_eoi
		       ? ops->irq_eoi(vcpu, vcpu->vm->event_opaque, exit->irq_eoi.vector)
		       : AX_UNHANDLED;
}

static AxHandled dispatch_nothing(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	(void)vcpu;
	(void)exit;
	(void)answer;
	return AX_HANDLED;
}

typedef AxHandled dispatch_fn(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer);

static AxHandled dispatch_debug(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	const AxDebugOps *ops = vcpu->vm->debug_ops;

	(void)answer;
	return ops && ops->debug ? ops->debug(vcpu, vcpu->vm->debug_opaque, exit) : AX_UNHANDLED;
}

/* FailEntry, InternalError and Unsupported have no handler: they are the loop's caller's. */
static dispatch_fn *const dispatchers[AX_EXIT_KINDS] = {
	[AX_EXIT_NOTHING] = dispatch_nothing,
	[AX_EXIT_HYPERCALL] = dispatch_hypercall,
	[AX_EXIT_MMIO_READ] = dispatch_mmio_read,
	[AX_EXIT_MMIO_WRITE] = dispatch_mmio_write,
	[AX_EXIT_SYS_REG_READ] = dispatch_sys_reg_read,
	[AX_EXIT_SYS_REG_WRITE] = dispatch_sys_reg_write,
	[AX_EXIT_IO_READ] = dispatch_io_read,
	[AX_EXIT_IO_WRITE] = dispatch_io_write,
	[AX_EXIT_EXTERNAL_INTERRUPT] = dispatch_interrupt,
	[AX_EXIT_NESTED_PAGE_FAULT] = dispatch_page_fault,
	[AX_EXIT_HALT] = dispatch_halt,
	[AX_EXIT_CPU_UP] = dispatch_cpu_up,
	[AX_EXIT_CPU_DOWN] = dispatch_cpu_down,
	[AX_EXIT_SYSTEM_DOWN] = dispatch_system_down,
	[AX_EXIT_SEND_IPI] = dispatch_send_ipi,
	[AX_EXIT_DEBUG] = dispatch_debug,
	[AX_EXIT_IRQ_EOI] = dispatch_irq_eoi,
};

AxHandled dispatch_exit(AxVCpu *vcpu, const AxVCpuExitReason *exit, uint64_t *answer)
{
	dispatch_fn *fn = exit->kind < AX_EXIT_KINDS ? dispatchers[exit->kind] : NULL;
	AxHandled handled;

	*answer = 0;
	if (vcpu->vm->record)
		record_exit_begin(vcpu, exit);
	handled = fn ? fn(vcpu, exit, answer) : AX_UNHANDLED;
	if (vcpu->vm->record)
		record_exit_end(vcpu, exit, handled, *answer);
	if (handled == AX_UNHANDLED && vcpu->vm->unclaimed == AX_UNCLAIMED_WARN)
		dispatch_warn(vcpu, exit);
	return handled;
}

bool dispatch_ignores(const AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_MMIO_WRITE:
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return vcpu->vm->unclaimed != AX_UNCLAIMED_STOP;
	case AX_EXIT_SYS_REG_READ:
	case AX_EXIT_SYS_REG_WRITE: return true; /* the guest got its fault */
	default: return false;
	}
}

/* Whether @key was warned of before; remembers it when there is room. */
static bool warned_before(AxVCpu *vcpu, uint64_t key)
{
	unsigned most = sizeof(vcpu->warned) / sizeof(vcpu->warned[0]);

	for (unsigned i = 0; i < vcpu->warned_count; i++) {
		if (vcpu->warned[i] == key)
			return true;
	}
	if (vcpu->warned_count == most)
		return true;
	vcpu->warned[vcpu->warned_count++] = key;
	return false;
}

void dispatch_warn(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	bool is_port = exit->kind == AX_EXIT_IO_READ || exit->kind == AX_EXIT_IO_WRITE;
	char line[160];
	uint64_t addr;

	switch (exit->kind) {
	case AX_EXIT_MMIO_READ: addr = exit->mmio_read.addr; break;
	case AX_EXIT_MMIO_WRITE: addr = exit->mmio_write.addr; break;
	case AX_EXIT_IO_READ: addr = exit->io_read.port; break;
	case AX_EXIT_IO_WRITE: addr = exit->io_write.port; break;
	default: return;
	}
	/* Ports and addresses apart: guest physical addresses have fewer than 63 bits. */
	if (warned_before(vcpu, addr | (is_port ? UINT64_C(1) << 63 : 0)))
		return;
	ax_exit_format(exit, line, sizeof(line));
	vm_log(vcpu->vm, AX_LOG_WARNING, "nothing is at %s 0x%" PRIx64 ": %s",
	       is_port ? "port" : "address", addr, line);
}
