/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver of virtio devices for tests: VM, registers, negotiation. See virtio_driver.h; its rings are
 * in virtio_driver_ring.c.
 */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/virtio_driver.h"

static void new_machine(struct drv *drv)
{
	AxMemView view;

#ifdef DRV_RECORDED
	recorded_begin(drv);
#else
	fake_sys_reset();
	drv->vm = new_vm(AX_IRQCHIP_NONE);
#endif
	ck_assert_int_eq(ax_ram_add(drv->vm, DRV_RAM_BASE, DRV_RAM_SIZE, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_get(drv->vm, DRV_RAM_BASE, DRV_RAM_SIZE, AX_MEM_READ, &view), 0);
	drv->ram = view.host;
	ax_mem_put(drv->vm, &view, 0);
	drv->next = DRV_RAM_BASE + 0x1000;
}

struct drv *drv_new(void)
{
	struct drv *drv = calloc(1, sizeof(*drv));

	ck_assert_ptr_nonnull(drv);
#ifndef DRV_RECORDED
	ck_assert_int_eq(ax_host_new(NULL, NULL, &drv->host, NULL), 0);
#endif
	new_machine(drv);
	drv->irq_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(drv->irq_event, 0);
	return drv;
}

void drv_free(struct drv *drv)
{
	if (drv->virtio)
		ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ax_virtio_free(drv->virtio);
	ax_vm_destroy(drv->vm);
#ifdef DRV_RECORDED
	recorded_end(drv);
#else
	ax_host_free(drv->host);
	core_teardown();
#endif
	close(drv->irq_event);
	free(drv);
}

AxHost *drv_outside_host(struct drv *drv)
{
#ifdef DRV_RECORDED
	return recorded_loop(drv);
#else
	return drv->host;
#endif
}

void drv_add_rom(struct drv *drv)
{
	ck_assert_int_eq(ax_ram_add(drv->vm, DRV_ROM_BASE, DRV_ROM_SIZE, AX_RAM_READONLY, NULL), 0);
}

static void signal_irq(struct drv *drv)
{
	(void)!write(drv->irq_event, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* 0 low, 1 high, 2 a pulse. */
static void drv_note_line(struct drv *drv, uint32_t line, unsigned what)
{
#ifdef DRV_RECORDED
	recorded_line(drv, line, what);
#else
	(void)drv;
	(void)line;
	(void)what;
#endif
}

static void irq_set(void *opaque, uint32_t line, bool level)
{
	struct drv *drv = opaque;

	drv_note_line(drv, line, level);
	if (!atomic_exchange(&drv->level, level) && level) {
		atomic_fetch_add(&drv->rises, 1);
		signal_irq(drv);
	}
}

static void irq_pulse(void *opaque, uint32_t line)
{
	struct drv *drv = opaque;

	drv_note_line(drv, line, 2);
	atomic_fetch_add(&drv->pulses, 1);
	signal_irq(drv);
}

AxIrq drv_irq(struct drv *drv)
{
	return (AxIrq){ .set = irq_set, .pulse = irq_pulse, .opaque = drv };
}

static void attach(struct drv *drv)
{
	AxIrq irq = drv_irq(drv);
	AxError err = AX_ERROR_INIT;

	ck_assert_msg(!ax_virtio_attach(drv->virtio, drv->vm, DRV_MMIO, &irq, drv->trigger, &err),
		      "%s", err.message);
}

void drv_attach(struct drv *drv, AxVirtio *virtio)
{
	drv->virtio = virtio;
#ifdef DRV_RECORDED
	recorded_attach(drv);
#endif
	attach(drv);
}

void drv_reboot(struct drv *drv)
{
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ax_vm_destroy(drv->vm);
#ifndef DRV_RECORDED
	core_teardown();
#endif
	new_machine(drv);
	attach(drv);
}

AxHandled drv_try_in(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t *value)
{
	*value = 0;
#ifdef DRV_RECORDED
	return recorded_in(drv, offset, width, value);
#else
	return virtio_mmio_ops.read(NULL, drv->virtio, offset, width, value);
#endif
}

AxHandled drv_try_out(struct drv *drv, uint64_t offset, AxAccessWidth width, uint64_t value)
{
#ifdef DRV_RECORDED
	return recorded_out(drv, offset, width, value);
#else
	return virtio_mmio_ops.write(NULL, drv->virtio, offset, width, value);
#endif
}

uint32_t drv_in(struct drv *drv, uint64_t offset)
{
	uint64_t value;

	if (drv_try_in(drv, offset, AX_WIDTH_DWORD, &value) != AX_HANDLED)
		ck_abort_msg("register 0x%x cannot be read", (unsigned)offset);
	return (uint32_t)value;
}

void drv_out(struct drv *drv, uint64_t offset, uint32_t value)
{
	if (drv_try_out(drv, offset, AX_WIDTH_DWORD, value) != AX_HANDLED)
		ck_abort_msg("register 0x%x cannot be written", (unsigned)offset);
}

static AxAccessWidth width_of(unsigned size)
{
	AxAccessWidth width = AX_WIDTH_BYTE;

	ck_assert(ax_access_width_from_size(size, &width));
	return width;
}

uint64_t drv_config(struct drv *drv, uint64_t offset, unsigned size)
{
	uint64_t value;

	ck_assert_int_eq(drv_try_in(drv, VIRTIO_MMIO_CONFIG + offset, width_of(size), &value),
			 AX_HANDLED);
	return value;
}

void drv_set_config(struct drv *drv, uint64_t offset, unsigned size, uint64_t value)
{
	ck_assert_int_eq(drv_try_out(drv, VIRTIO_MMIO_CONFIG + offset, width_of(size), value),
			 AX_HANDLED);
}

uint64_t drv_offered(struct drv *drv)
{
	uint64_t low;

	drv_out(drv, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	low = drv_in(drv, VIRTIO_MMIO_DEVICE_FEATURES);
	drv_out(drv, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)drv_in(drv, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
}

bool drv_is_broken(struct drv *drv)
{
	return drv_in(drv, VIRTIO_MMIO_STATUS) & VIRTIO_NEEDS_RESET;
}

void drv_reset(struct drv *drv)
{
	drv_out(drv, VIRTIO_MMIO_STATUS, 0);
}

bool drv_negotiate(struct drv *drv, uint64_t features)
{
	uint32_t status = VIRTIO_ACKNOWLEDGE;

	drv_reset(drv);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_STATUS), 0);
	drv_out(drv, VIRTIO_MMIO_STATUS, status);
	status |= VIRTIO_DRIVER;
	drv_out(drv, VIRTIO_MMIO_STATUS, status);
	drv->features = features & drv_offered(drv);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)drv->features);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(drv->features >> 32));
	drv_out(drv, VIRTIO_MMIO_STATUS, status | VIRTIO_FEATURES_OK);
	return drv_in(drv, VIRTIO_MMIO_STATUS) & VIRTIO_FEATURES_OK;
}

static void out_pair(struct drv *drv, uint64_t low, uint64_t value)
{
	drv_out(drv, low, (uint32_t)value);
	drv_out(drv, low + 4, (uint32_t)(value >> 32));
}

void drv_setup_queue(struct drv *drv, unsigned index)
{
	struct drv_queue *queue = &drv->queues[index];

	memset(queue, 0, sizeof(*queue));
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, index);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 0);
	queue->size = drv_in(drv, VIRTIO_MMIO_QUEUE_SIZE_MAX);
	if (drv->queue_size && drv->queue_size < queue->size)
		queue->size = drv->queue_size;
	queue->packed = drv->features & VIRTIO_F_RING_PACKED;
	queue->event_idx = drv->features & VIRTIO_F_EVENT_IDX;
	queue->avail_wrap = queue->used_wrap = true;
	queue->interrupts = true;
	queue->free = queue->size;
	for (uint32_t i = 0; i < queue->size; i++)
		queue->next[i] = (uint16_t)(i + 1);
	queue->descriptors = drv_alloc(drv, 16 * (uint64_t)queue->size);
	queue->driver = drv_alloc(drv, 6 + 2 * (uint64_t)queue->size);
	queue->device = drv_alloc(drv, 6 + 8 * (uint64_t)queue->size);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SIZE, queue->size);
	out_pair(drv, VIRTIO_MMIO_QUEUE_DESC_LOW, queue->descriptors);
	out_pair(drv, VIRTIO_MMIO_QUEUE_DRIVER_LOW, queue->driver);
	out_pair(drv, VIRTIO_MMIO_QUEUE_DEVICE_LOW, queue->device);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 1);
	(void)drv_want_interrupts(drv, index, true);
}

void drv_driver_ok(struct drv *drv)
{
	drv_out(drv, VIRTIO_MMIO_STATUS, drv_in(drv, VIRTIO_MMIO_STATUS) | VIRTIO_DRIVER_OK);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_STATUS), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER |
								   VIRTIO_FEATURES_OK |
								   VIRTIO_DRIVER_OK);
}

void drv_start(struct drv *drv, uint64_t features)
{
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_MAGIC), VIRTIO_MMIO_MAGIC_VALUE);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_VERSION), 2);
	ck_assert(drv_negotiate(drv, features));
	for (unsigned i = 0; i < drv->virtio->queue_count; i++)
		drv_setup_queue(drv, i);
	drv_driver_ok(drv);
}

uint64_t drv_alloc(struct drv *drv, uint64_t len)
{
	uint64_t gpa = drv->next;

	drv->next += (len + 4095) & ~4095ull;
	ck_assert_uint_le(drv->next, DRV_RAM_BASE + DRV_RAM_SIZE);
	memset(drv_ptr(drv, gpa), 0, len);
	return gpa;
}

void *drv_ptr(struct drv *drv, uint64_t gpa)
{
	return drv->ram + (gpa - DRV_RAM_BASE);
}

void drv_run(struct drv *drv)
{
	while (ax_loop_dispatch(drv->host, 0, NULL) > 0)
		;
}

int drv_wait(struct drv *drv, unsigned index, uint32_t *len)
{
	for (unsigned i = 0; i < 500; i++) {
		int token = drv_take(drv, index, len);

		if (token >= 0)
			return token;
		ck_assert_int_ge(ax_loop_dispatch(drv->host, 10, NULL), 0);
	}
	ck_abort_msg("queue %u: nothing came back", index);
	return -1;
}

uint32_t drv_ack(struct drv *drv)
{
	uint32_t status = drv_in(drv, VIRTIO_MMIO_INTERRUPT_STATUS);

	drv_out(drv, VIRTIO_MMIO_INTERRUPT_ACK, status);
	return status;
}

bool drv_wait_irq(struct drv *drv, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = drv->irq_event, .events = POLLIN };
	uint64_t count;

	return poll(&poll_fd, 1, timeout_ms) == 1 &&
	       read(drv->irq_event, &count, sizeof(count)) == sizeof(count);
}

int drv_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
