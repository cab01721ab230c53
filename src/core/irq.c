/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt lines from devices to the guest, for each of the three interrupt controllers.
 *
 * A line keeps its level, so that a device may set it as often as it likes: only changes cost
 * anything. In the in-kernel mode that is one KVM_IRQ_LINE for each change, two for a pulse. An
 * eventfd would make a pulse one write(), but of a wired line KVM leaves what an eventfd raised to a
 * worker thread of the kernel's (only messages are delivered at once): the raising thread pays more
 * ("axvmm bench devices": three times), though a guest on another processor may have it sooner. It is
 * for those who have nothing but an eventfd: ax_irq_attach_eventfd().
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include <axvmm/irq.h>
#include <axvmm/record.h>

#include "arch/arch.h"
#include "core/error.h"
#include "core/vm.h"
#include "sys/sys.h"

#define LINE_COUNT  ARCH_IRQ_LINES
#define VECTOR_BASE 0x20 /* the first vector that is no exception: SDM 3A 6.2 */

struct irq_line {
	pthread_mutex_t lock; /* in-kernel: orders the changes of the level */
	atomic_bool level;
};

struct irq_lines {
	AxVm *vm;
	AxVCpu *target;	      /* without an in-kernel irqchip: who gets all interrupts */
	pthread_mutex_t lock; /* where a CPU's line has a level: orders the changes of all levels */
	unsigned raised;      /* lines that are high, there */
	struct irq_line line[LINE_COUNT];
	bool routed[LINE_COUNT]; /* split irqchip, under lock: what ax_irq_route() said */
	AxMsi routes[LINE_COUNT];
};

/* What of a line is recorded. */
enum { LINE_LOW = 0, LINE_HIGH = 1, LINE_PULSE = 2 };

static void tell_line(struct irq_lines *lines, uint32_t gsi, uint8_t what)
{
	if (lines->vm->record)
		ax_record_output(lines->vm->record, AX_RECORD_LINE, gsi, &what, sizeof(what));
}

void ax_irq_set(const AxIrq *irq, bool level)
{
	if (irq->set)
		irq->set(irq->opaque, irq->line, level);
}

void ax_irq_pulse(const AxIrq *irq)
{
	if (irq->pulse) {
		irq->pulse(irq->opaque, irq->line);
		return;
	}
	ax_irq_set(irq, true);
	ax_irq_set(irq, false);
}

static int set_kernel_level(AxVm *vm, uint32_t gsi, bool level)
{
	struct kvm_irq_level request = { .irq = arch_irq_line(gsi), .level = level };

	return sys_ioctl_struct(vm->fd, KVM_IRQ_LINE, &request);
}

static void kernel_set(void *opaque, uint32_t gsi, bool level)
{
	struct irq_lines *lines = opaque;
	struct irq_line *line = &lines->line[gsi];

	pthread_mutex_lock(&line->lock);
	if (line->level != level) {
		line->level = level;
		tell_line(lines, gsi, level ? LINE_HIGH : LINE_LOW);
		(void)set_kernel_level(lines->vm, gsi, level);
	}
	pthread_mutex_unlock(&line->lock);
}

static void kernel_pulse(void *opaque, uint32_t gsi)
{
	struct irq_lines *lines = opaque;
	struct irq_line *line = &lines->line[gsi];

	pthread_mutex_lock(&line->lock);
	tell_line(lines, gsi, LINE_PULSE);
	(void)set_kernel_level(lines->vm, gsi, true);
	(void)set_kernel_level(lines->vm, gsi, false);
	line->level = false; /* it falls after a pulse, however it was before */
	pthread_mutex_unlock(&line->lock);
}

/* Nobody keeps a level in these modes: an edge is all there is. */
static void edge_set(void *opaque, uint32_t gsi, bool level)
{
	struct irq_lines *lines = opaque;

	bool before = atomic_exchange(&lines->line[gsi].level, level);

	if (before != level)
		tell_line(lines, gsi, level ? LINE_HIGH : LINE_LOW);
	if (!before && level)
		(void)ax_vcpu_inject_interrupt(lines->target, VECTOR_BASE + gsi, NULL);
}

/* One line into the CPU for all of them: up as long as one is. */
static void level_set(void *opaque, uint32_t gsi, bool level)
{
	struct irq_lines *lines = opaque;
	struct irq_line *line = &lines->line[gsi];

	pthread_mutex_lock(&lines->lock);
	if (line->level != level) {
		line->level = level;
		tell_line(lines, gsi, level ? LINE_HIGH : LINE_LOW);
		if (level && lines->raised++ == 0)
			(void)arch_inject(lines->target, VECTOR_BASE, NULL);
		else if (!level && --lines->raised == 0)
			(void)arch_clear_interrupt(lines->target, VECTOR_BASE, NULL);
	}
	pthread_mutex_unlock(&lines->lock);
}

static struct irq_lines *new_lines(AxVm *vm)
{
	struct irq_lines *lines = calloc(1, sizeof(*lines));

	if (!lines)
		return NULL;
	lines->vm = vm;
	pthread_mutex_init(&lines->lock, NULL);
	lines->target = vm->vcpu_count ? vm->vcpus[0] : NULL;
	for (unsigned i = 0; i < LINE_COUNT; i++)
		pthread_mutex_init(&lines->line[i].lock, NULL);
	return lines;
}

/* vm->irq_lines, made by the first who asks. */
static struct irq_lines *get_lines(AxVm *vm)
{
	struct irq_lines *lines;

	pthread_mutex_lock(&vm->lock);
	if (!vm->irq_lines)
		vm->irq_lines = new_lines(vm);
	lines = vm->irq_lines;
	pthread_mutex_unlock(&vm->lock);
	return lines;
}

static int check_gsi(uint32_t gsi, AxError *err)
{
	if (gsi >= LINE_COUNT)
		return ax_error_argument(err, -EINVAL, "interrupt line %u: there are 0 to %u", gsi,
					 LINE_COUNT - 1);
	return 0;
}

int ax_irq_get(AxVm *vm, uint32_t gsi, AxIrq *irq, AxError *err)
{
	struct irq_lines *lines;
	int ret = check_gsi(gsi, err);

	if (!ret)
		ret = vm_need_irqchip(vm, err);
	if (!ret && ARCH_PREPARES)
		ret = arch_vm_prepare(vm, err);
	if (ret)
		return ret;
	if (vm->irqchip == AX_IRQCHIP_KERNEL) {
		/* Lines are low to begin with: this asks whether KVM knows the line. */
		ret = set_kernel_level(vm, gsi, false);
		if (ret < 0)
			return ax_error_sys(err, ret, "KVM_IRQ_LINE");
	} else if (vm->irqchip == AX_IRQCHIP_SPLIT) {
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "with AX_IRQCHIP_SPLIT lines lead into the IOAPIC: "
				    "ax_ioapic_irq()");
	} else if (!ax_vm_vcpu_at(vm, 0)) {
		return ax_error_state(
			err, "interrupts go to the VM's first vCPU, which does not exist yet");
	}
	lines = get_lines(vm);
	if (!lines)
		return ax_error_nomem(err, "interrupt lines");
	if (vm->irqchip == AX_IRQCHIP_KERNEL)
		*irq = (AxIrq){
			.set = kernel_set, .pulse = kernel_pulse, .opaque = lines, .line = gsi
		};
	else
		*irq = (AxIrq){ .set = ARCH_LINE_HAS_LEVEL ? level_set : edge_set,
				.opaque = lines,
				.line = gsi };
	return 0;
}

uint32_t ax_irq_version(const AxVm *vm)
{
	return vm->irq_version;
}

int ax_irq_attach_eventfd(AxVm *vm, uint32_t gsi, int event, AxError *err)
{
	struct kvm_irqfd request = { .fd = (uint32_t)event, .gsi = gsi };
	int ret = check_gsi(gsi, err);

	if (!ret)
		ret = vm_need_irqchip(vm, err);
	if (!ret && ARCH_PREPARES)
		ret = arch_vm_prepare(vm, err);
	if (ret)
		return ret;
	if (vm->record)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "a recorded VM's interrupts are this process's to raise");
	if (vm->irqchip != AX_IRQCHIP_KERNEL && vm->irqchip != AX_IRQCHIP_SPLIT)
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"KVM raises interrupts only with an in-kernel irqchip (AX_IRQCHIP_KERNEL)");
	if (!ARCH_IRQFD_PULSES)
		return ax_error_set(
			err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
			"this architecture's KVM has a line that an eventfd raised stay up");
	ret = sys_ioctl_struct(vm->fd, KVM_IRQFD, &request);
	switch (ret) {
	case -EBADF:
	case -EINVAL: return ax_error_argument(err, -EINVAL, "descriptor %d is no eventfd", event);
	case -EBUSY:
		return ax_error_argument(err, -EINVAL, "eventfd %d raises a line already", event);
	case -ENOSYS:
	case -ENOTTY:
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, -ret,
				    "this KVM has no KVM_IRQFD");
	default: return ret < 0 ? ax_error_sys(err, ret, "KVM_IRQFD") : 0;
	}
}

/* Messages are KVM's where the local APICs are, and only x86-64's have them. */
static bool takes_messages(const AxVm *vm)
{
	return vm->irqchip == AX_IRQCHIP_KERNEL || vm->irqchip == AX_IRQCHIP_SPLIT;
}

int ax_msi_send(AxVm *vm, const AxMsi *msi, AxError *err)
{
	struct kvm_msi request = { .address_lo = (uint32_t)msi->address,
				   .address_hi = (uint32_t)(msi->address >> 32),
				   .data = msi->data };
	int ret;

	if (!takes_messages(vm))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "messages are interrupts only where KVM has the irqchip");
	ret = vm_need_irqchip(vm, err);
	if (ret)
		return ret;
	ax_record_output(vm->record, AX_RECORD_MESSAGE, msi->address, &msi->data,
			 sizeof(msi->data));
	ret = sys_ioctl_struct(vm->fd, KVM_SIGNAL_MSI, &request);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SIGNAL_MSI") : 0;
}

/* All routes at once: there is no call for one. lines->lock is held. */
static int set_routes(struct irq_lines *lines, AxError *err)
{
	/* The header ends with an array without a length, which C wants to be the last member. */
	union {
		struct kvm_irq_routing header;
		uint8_t bytes[sizeof(struct kvm_irq_routing) +
			      LINE_COUNT * sizeof(struct kvm_irq_routing_entry)];
	} request = { 0 };
	int ret;

	for (uint32_t gsi = 0; gsi < LINE_COUNT; gsi++) {
		const AxMsi *msi = &lines->routes[gsi];

		if (!lines->routed[gsi])
			continue;
		request.header.entries[request.header.nr++] = (struct kvm_irq_routing_entry){
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = (uint32_t)msi->address,
				   .address_hi = (uint32_t)(msi->address >> 32),
				   .data = msi->data },
		};
	}
	ret = sys_ioctl_struct(lines->vm->fd, KVM_SET_GSI_ROUTING, &request.header);
	return ret < 0 ? ax_error_sys(err, ret, "KVM_SET_GSI_ROUTING") : 0;
}

int ax_irq_route(AxVm *vm, uint32_t gsi, const AxMsi *msi, AxError *err)
{
	struct irq_lines *lines;
	int ret = check_gsi(gsi, err);

	if (ret)
		return ret;
	if (vm->irqchip != AX_IRQCHIP_SPLIT)
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "only a split irqchip (AX_IRQCHIP_SPLIT) has routes to set");
	ret = vm_need_irqchip(vm, err);
	if (ret)
		return ret;
	lines = get_lines(vm);
	if (!lines)
		return ax_error_nomem(err, "interrupt lines");
	/* Address and data; nothing: masked. */
	ax_record_output(vm->record, AX_RECORD_ROUTE, gsi, msi, msi ? 12 : 0);
	pthread_mutex_lock(&lines->lock);
	if (lines->routed[gsi] || msi) {
		lines->routed[gsi] = msi != NULL;
		if (msi)
			lines->routes[gsi] = *msi;
		ret = set_routes(lines, err);
	}
	pthread_mutex_unlock(&lines->lock);
	return ret;
}

void irq_fini(AxVm *vm)
{
	struct irq_lines *lines = vm->irq_lines;

	if (!lines)
		return;
	for (unsigned i = 0; i < LINE_COUNT; i++)
		pthread_mutex_destroy(&lines->line[i].lock);
	pthread_mutex_destroy(&lines->lock);
	free(lines);
	vm->irq_lines = NULL;
}
