/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio over MMIO: registers, negotiation, status, interrupts, configuration, life in VMs.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_libc.h"
#include "tests/unit/virtio_driver.h"
#include "tests/unit/virtio_echo.h"

#define FOUR \
	(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED)
#define GOOD (DRV_ALL & ~ECHO_F_BAD)

static struct drv *drv;
static struct echo *echo;

static void set_up(void)
{
	drv = drv_new();
	echo = echo_new(drv->host);
	drv_attach(drv, &echo->virtio);
}

static void tear_down(void)
{
	drv_free(drv);
}

static uint32_t status(void)
{
	return drv_in(drv, VIRTIO_MMIO_STATUS);
}

static void set_status(uint32_t value)
{
	drv_out(drv, VIRTIO_MMIO_STATUS, value);
}

static void set_features(uint64_t features)
{
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

START_TEST(the_identity_is_that_of_section_4_2_2)
{
	ck_assert_uint_eq(drv_in(drv, 0x000), 0x74726976);
	ck_assert_uint_eq(drv_in(drv, 0x004), 2);
	ck_assert_uint_eq(drv_in(drv, 0x008), ECHO_ID);
	ck_assert_uint_eq(drv_in(drv, 0x00c), 0x554d4551);
	ck_assert_uint_eq(ax_virtio_id(drv->virtio), ECHO_ID);
	ck_assert_str_eq(ax_virtio_name(drv->virtio), "echo");
	ck_assert_uint_eq(drv_offered(drv), FOUR | ECHO_F_OWN | ECHO_F_BAD);
	drv_out(drv, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	drv_out(drv, VIRTIO_MMIO_DEVICE_FEATURES_SEL, UINT32_MAX);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_DEVICE_FEATURES), 0);
}
END_TEST

START_TEST(there_is_no_shared_memory)
{
	for (uint32_t id = 0; id < 2; id++) {
		drv_out(drv, VIRTIO_MMIO_SHM_SEL, id);
		for (uint64_t offset = 0xb0; offset <= 0xbc; offset += 4)
			ck_assert_uint_eq(drv_in(drv, offset), UINT32_MAX);
	}
}
END_TEST

START_TEST(registers_are_accessed_in_whole_and_others_are_zero)
{
	const AxAccessWidth others[] = { AX_WIDTH_BYTE, AX_WIDTH_WORD, AX_WIDTH_QWORD };
	uint64_t value;

	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(drv_try_in(drv, 0, others[i], &value), AX_UNHANDLED);
		ck_assert_int_eq(drv_try_out(drv, VIRTIO_MMIO_STATUS, others[i], 1), AX_UNHANDLED);
	}
	ck_assert_int_eq(drv_try_in(drv, 2, AX_WIDTH_DWORD, &value), AX_UNHANDLED);
	ck_assert_uint_eq(status(), 0);
	for (uint64_t offset = 0xc0; offset < 0xfc; offset += 4) {
		ck_assert_uint_eq(drv_in(drv, offset), 0);
		drv_out(drv, offset, UINT32_MAX);
	}
	/* Those to be written only. */
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_NOTIFY), 0);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_DESC_LOW), 0);
}
END_TEST

START_TEST(features_are_those_that_were_offered)
{
	ck_assert(drv_negotiate(drv, GOOD));
	ck_assert_uint_eq(drv->virtio->features, FOUR | ECHO_F_OWN);
	/* None is taken after that, and no reset is needed to go on. */
	set_features(0);
	ck_assert_uint_eq(drv->virtio->features, FOUR | ECHO_F_OWN);
	/* Small systems know of no upper half, and so accept no VERSION_1. */
	ck_assert(drv_negotiate(drv, UINT32_MAX));
	/* With one that was not offered, with one that the type refuses. */
	ck_assert(!drv_negotiate(drv, ECHO_F_BAD));
	ck_assert_uint_eq(status(), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	set_features(VIRTIO_F_VERSION_1 | 1);
	set_status(status() | VIRTIO_FEATURES_OK);
	ck_assert(!(status() & VIRTIO_FEATURES_OK));
	ck_assert(!drv_negotiate(drv, VIRTIO_F_VERSION_1 | ECHO_F_BAD));
	/* A second try is allowed. */
	set_features(VIRTIO_F_VERSION_1);
	set_status(status() | VIRTIO_FEATURES_OK);
	ck_assert(status() & VIRTIO_FEATURES_OK);
	/* The third word of features is not there. */
	drv_reset(drv);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	drv_out(drv, VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	ck_assert_uint_eq(drv->virtio->features, 0);
}
END_TEST

START_TEST(the_status_only_grows_until_the_reset)
{
	set_status(VIRTIO_ACKNOWLEDGE);
	set_status(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	/* Not before FEATURES_OK. */
	set_status(VIRTIO_DRIVER_OK);
	ck_assert_uint_eq(status(), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	ck_assert_uint_eq(echo->starts, 0);
	/* NEEDS_RESET is the device's, bits that nobody knows are nobody's. */
	set_status(VIRTIO_NEEDS_RESET | 0xffffff30);
	ck_assert_uint_eq(status(), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	set_features(VIRTIO_F_VERSION_1);
	set_status(status() | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
	ck_assert_uint_eq(status(), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
					    VIRTIO_DRIVER_OK);
	ck_assert_uint_eq(echo->starts, 1);
	set_status(status());
	ck_assert_uint_eq(echo->starts, 1);
	ck_assert(virtio_running(drv->virtio));
	set_status(VIRTIO_FAILED);
	ck_assert(!virtio_running(drv->virtio));
	set_status(0);
	ck_assert_uint_eq(status(), 0);
	ck_assert_uint_eq(echo->resets, 1);
	ck_assert_uint_eq(drv->virtio->features, 0);
}
END_TEST

START_TEST(queues_have_sizes_and_are_ready_after_features_ok)
{
	const uint32_t max[] = { ECHO_SIZE, ECHO_SIZE, 4, 0, 0 };

	for (uint32_t i = 0; i < 5; i++) {
		drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, i);
		ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_SIZE_MAX), max[i]);
		drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 1);
		ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 0);
	}
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_SIZE_MAX), 0);
	ck_assert(!drv_is_broken(drv));
	ck_assert(drv_negotiate(drv, DRV_SPLIT & ~ECHO_F_BAD));
	/* A size that is none is not taken. */
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 2);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SIZE, 0);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SIZE, 8);
	ck_assert_uint_eq(drv->virtio->queues[2].size, 4);
	drv_setup_queue(drv, 2);
	/* What is ready stays as it is. */
	drv_out(drv, VIRTIO_MMIO_QUEUE_SIZE, 2);
	drv_out(drv, VIRTIO_MMIO_QUEUE_DESC_HIGH, 2);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 2);
	ck_assert_uint_eq(drv->virtio->queues[2].size, 4);
	ck_assert_uint_eq(drv->virtio->queues[2].descriptors, drv->queues[2].descriptors);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 1);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 0);
	drv_setup_queue(drv, 2);
}
END_TEST

/* Where a queue's areas must not be: offsets from good places. */
START_TEST(rings_that_can_not_be_break_the_device)
{
	const struct {
		uint64_t features, descriptors, driver, device;
		uint32_t size;
	} bad[] = {
		{ DRV_SPLIT, 8, 0, 0, 64 },
		{ DRV_SPLIT, 0, 1, 0, 64 },
		{ DRV_SPLIT, 0, 0, 2, 64 },
		{ DRV_SPLIT, 0, 0, 0, 48 }, /* no power of two */
		{ DRV_SPLIT, DRV_RAM_SIZE - 1008, 0, 0, 64 },
		{ DRV_SPLIT, 0, DRV_RAM_SIZE - 132, 0, 64 },
		{ DRV_SPLIT, 0, 0, DRV_RAM_SIZE - 516, 64 },
		{ DRV_SPLIT, -(uint64_t)DRV_RAM_BASE - 16, 0, 0, 64 },
		{ DRV_SPLIT, 0, 0, DRV_ROM_BASE - DRV_RAM_BASE, 64 }, /* read-only */
		{ DRV_ALL, 8, 0, 0, 64 },
		{ DRV_ALL, 0, 2, 0, 64 },
		{ DRV_ALL, 0, 0, 2, 64 },
		{ DRV_ALL, 0, DRV_RAM_SIZE, 0, 64 },
		{ DRV_ALL, 0, 0, UINT64_MAX - DRV_RAM_BASE - 3, 64 },
		{ DRV_ALL, DRV_ROM_BASE - DRV_RAM_BASE, 0, 0, 64 },
	};
	uint64_t place[3];

	drv_add_rom(drv);
	ck_assert(drv_negotiate(drv, bad[_i].features & ~ECHO_F_BAD));
	place[0] = DRV_RAM_BASE + bad[_i].descriptors;
	place[1] = DRV_RAM_BASE + bad[_i].driver;
	place[2] = DRV_RAM_BASE + bad[_i].device;
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 1);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SIZE, bad[_i].size);
	for (unsigned i = 0; i < 3; i++) {
		drv_out(drv, VIRTIO_MMIO_QUEUE_DESC_LOW + 16 * i, (uint32_t)place[i]);
		drv_out(drv, VIRTIO_MMIO_QUEUE_DESC_HIGH + 16 * i, (uint32_t)(place[i] >> 32));
	}
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 0);
	ck_assert(drv_is_broken(drv));
	/* Section 2.1.2: no notification before DRIVER_OK. */
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	/* Nothing works until the reset; then all does. */
	set_status(status() | VIRTIO_DRIVER_OK);
	ck_assert_uint_eq(echo->starts, 0);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 0);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 0);
	drv_start(drv, GOOD);
	ck_assert(!drv_is_broken(drv));
}
END_TEST

START_TEST(the_smallest_rings_at_the_ends_of_ram_are_good)
{
	ck_assert(drv_negotiate(drv, _i ? GOOD : DRV_SPLIT & ~ECHO_F_BAD));
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 0);
	drv_out(drv, VIRTIO_MMIO_QUEUE_SIZE, 1);
	drv_out(drv, VIRTIO_MMIO_QUEUE_DESC_LOW, DRV_RAM_BASE);
	drv_out(drv, VIRTIO_MMIO_QUEUE_DRIVER_LOW, DRV_RAM_BASE + DRV_RAM_SIZE - 8);
	drv_out(drv, VIRTIO_MMIO_QUEUE_DEVICE_LOW, DRV_RAM_BASE + DRV_RAM_SIZE - 16);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_QUEUE_READY), 1);
}
END_TEST

START_TEST(edges_are_pulsed_for_each_reason)
{
	drv_start(drv, GOOD);
	virtio_raise(drv->virtio, VIRTIO_MMIO_USED_BUFFER);
	virtio_raise(drv->virtio, VIRTIO_MMIO_USED_BUFFER);
	virtio_raise(drv->virtio, VIRTIO_MMIO_CONFIG_CHANGE);
	ck_assert_uint_eq(atomic_load(&drv->pulses), 3);
	ck_assert_uint_eq(atomic_load(&drv->rises), 0);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	drv_out(drv, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_USED_BUFFER);
	ck_assert_uint_eq(drv_ack(drv), VIRTIO_MMIO_CONFIG_CHANGE);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}
END_TEST

START_TEST(a_level_is_high_while_a_reason_is_there)
{
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	drv->trigger = AX_VIRTIO_LEVEL;
	drv_attach(drv, drv->virtio);
	drv_start(drv, GOOD);
	virtio_raise(drv->virtio, VIRTIO_MMIO_USED_BUFFER);
	virtio_raise(drv->virtio, VIRTIO_MMIO_CONFIG_CHANGE);
	ck_assert(atomic_load(&drv->level));
	drv_out(drv, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_USED_BUFFER);
	ck_assert(atomic_load(&drv->level));
	drv_out(drv, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_CONFIG_CHANGE);
	ck_assert(!atomic_load(&drv->level));
	ck_assert_uint_eq(atomic_load(&drv->pulses), 0);
	virtio_raise(drv->virtio, VIRTIO_MMIO_USED_BUFFER);
	ck_assert_uint_eq(atomic_load(&drv->rises), 2);
	drv_reset(drv);
	ck_assert(!atomic_load(&drv->level));
}
END_TEST

START_TEST(the_configuration_has_any_width_and_an_end)
{
	uint64_t value;

	drv->virtio->config[1] = 0x22;
	drv->virtio->config[7] = 0x77;
	drv->virtio->config[11] = 0xbb;
	ck_assert_uint_eq(drv_config(drv, 0, 1), 0x11);
	ck_assert_uint_eq(drv_config(drv, 0, 2), 0x2211);
	ck_assert_uint_eq(drv_config(drv, 0, 8), 0x7700000000002211);
	ck_assert_uint_eq(drv_config(drv, 1, 2), 0x22);
	ck_assert_uint_eq(drv_config(drv, 8, 8), 0xbb000000);
	ck_assert_uint_eq(drv_config(drv, 11, 4), 0xbb);
	ck_assert_uint_eq(drv_config(drv, 12, 4), 0);
	ck_assert_int_eq(drv_try_in(drv, 0x1f8, AX_WIDTH_QWORD, &value), AX_HANDLED);
	ck_assert_uint_eq(value, 0);
	drv_set_config(drv, 10, 4, 0x44332211);
	ck_assert_uint_eq(echo->config_writes, 1);
	ck_assert_uint_eq(echo->config_offset, 10);
	ck_assert_uint_eq(echo->config_len, 2);
	ck_assert_uint_eq(drv_config(drv, 8, 8), 0x22110000);
	drv_set_config(drv, 12, 4, 1);
	drv_set_config(drv, 0xf8, 8, UINT64_MAX);
	ck_assert_uint_eq(echo->config_writes, 1);
}
END_TEST

START_TEST(a_new_configuration_is_a_new_generation)
{
	uint32_t generation = drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION);

	/* Nobody listens before DRIVER_OK. */
	virtio_config_changed(drv->virtio);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	drv_start(drv, GOOD);
	virtio_config_changed(drv->virtio);
	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_CONFIG_GENERATION), generation + 2);
	ck_assert_uint_eq(drv_ack(drv), VIRTIO_MMIO_CONFIG_CHANGE);
}
END_TEST

START_TEST(writes_of_queue_notify_are_kvms)
{
	drv_start(drv, GOOD);
	ck_assert_uint_eq(fake_ioeventfds(0), ECHO_QUEUES);
	drv_run(drv);
	echo->notifies = 0;
	ck_assert(fake_guest_write(0, false, DRV_MMIO + 0x50, 4, 1));
	ck_assert(!fake_guest_write(0, false, DRV_MMIO + 0x50, 4, ECHO_QUEUES));
	ck_assert(!fake_guest_write(0, false, DRV_MMIO + 0x50, 2, 1));
	drv_run(drv);
	ck_assert_uint_eq(echo->notifies, 1);
	/* What KVM leaves to userspace does the same, or nothing. */
	drv_notify(drv, 0);
	drv_notify(drv, ECHO_QUEUES);
	drv_notify(drv, UINT32_MAX);
	drv_run(drv);
	ck_assert_uint_eq(echo->notifies, 2);
	/* Not of a queue that is off, nor of a device that is. */
	drv_out(drv, VIRTIO_MMIO_QUEUE_SEL, 0);
	drv_out(drv, VIRTIO_MMIO_QUEUE_READY, 0);
	drv_run(drv);
	echo->notifies = 0;
	drv_notify(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(echo->notifies, 0);
	drv_notify(drv, 1);
	drv_reset(drv);
	drv_run(drv);
	ck_assert_uint_eq(echo->notifies, 0);
}
END_TEST

START_TEST(counters_count)
{
	AxVirtioCounters counters = AX_VIRTIO_COUNTERS_INIT;
	struct {
		AxVirtioCounters known;
		uint64_t newer;
	} large = { { sizeof(large), 0, 0, 0, 0, 0, 0 }, 1 };
	uint32_t len;

	drv_start(drv, GOOD);
	drv_run(drv);
	drv_add(drv, 0, DRV_IN(drv_alloc(drv, 8), 8));
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
	virtio_lock(drv->virtio);
	virtio_broken(drv->virtio);
	virtio_unlock(drv->virtio);
	ck_assert_int_eq(ax_virtio_counters(drv->virtio, &counters), 0);
	ck_assert_uint_eq(counters.size, sizeof(counters));
	ck_assert_uint_eq(counters.notifications, ECHO_QUEUES + 1);
	ck_assert_uint_eq(counters.chains, 1);
	ck_assert_uint_eq(counters.interrupts, 2);
	ck_assert_uint_eq(counters.suppressed, 0);
	ck_assert_uint_eq(counters.bad_chains, 1);
	ck_assert_uint_eq(counters.resets, 1);
	ck_assert_int_eq(ax_virtio_counters(drv->virtio, &large.known), 0);
	ck_assert_uint_eq(large.known.chains, 1);
	ck_assert_uint_eq(large.newer, 0);
	counters.size = 4;
	ck_assert_int_eq(ax_virtio_counters(drv->virtio, &counters), -EINVAL);
}
END_TEST

START_TEST(a_device_outlives_its_vm)
{
	AxError err = AX_ERROR_INIT;
	uint32_t len;

	ck_assert_fails(ax_virtio_attach(drv->virtio, drv->vm, 0xfec00000, NULL, 0, &err), -EBUSY,
			AX_ERROR_STATE, "echo");
	drv_start(drv, GOOD);
	echo->hold = true;
	drv_add(drv, 0, DRV_IN(drv_alloc(drv, 8), 8));
	drv_kick(drv, 0);
	drv_run(drv);
	ck_assert_uint_eq(echo->held, 1);
	drv_reboot(drv);
	ck_assert_uint_eq(echo->held, 0);
	ck_assert_uint_eq(status(), 0);
	echo->hold = false;
	drv_start(drv, GOOD);
	drv_add(drv, 0, DRV_IN(drv_alloc(drv, 8), 8));
	drv_kick(drv, 0);
	drv_wait(drv, 0, &len);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	ck_assert_uint_eq(fake_ioeventfds(0), 0);
	/* Without an interrupt. */
	ck_assert_int_eq(
		ax_virtio_attach(drv->virtio, drv->vm, DRV_MMIO, NULL, AX_VIRTIO_EDGE, NULL), 0);
	drv_start(drv, GOOD);
	virtio_raise(drv->virtio, VIRTIO_MMIO_USED_BUFFER);
	ax_virtio_free(NULL);
}
END_TEST

START_TEST(what_can_not_be_attached_claims_nothing)
{
	struct echo *other = echo_new(drv->host);
	AxError err = AX_ERROR_INIT;
	unsigned before = fake_ioeventfds(0);

	ck_assert_fails(ax_virtio_attach(&other->virtio, drv->vm, DRV_MMIO + 0x1000, NULL, 2, &err),
			-EINVAL, AX_ERROR_ARGUMENT, "AxVirtioTrigger");
	/* The name, then the place, are taken. */
	ck_assert_fails(ax_virtio_attach(&other->virtio, drv->vm, DRV_MMIO + 0x1000, NULL, 0, &err),
			-EEXIST, AX_ERROR_ARGUMENT, "echo");
	memcpy(other->virtio.link.name, "other", 6);
	ck_assert_int_eq(ax_virtio_attach(&other->virtio, drv->vm, DRV_MMIO + 0x100, NULL, 0, &err),
			 -EEXIST);
	fake_fail(KVM_IOEVENTFD, 2, EIO);
	ck_assert_int_eq(
		ax_virtio_attach(&other->virtio, drv->vm, DRV_MMIO + 0x1000, NULL, 0, &err), -EIO);
	fake_libc_fail(LIBC_EVENTFD, 2, EMFILE);
	ck_assert_fails(ax_virtio_attach(&other->virtio, drv->vm, DRV_MMIO + 0x1000, NULL, 0, &err),
			-EIO, AX_ERROR_RESOURCE, "eventfd");
	fake_libc_fail(LIBC_EPOLL_CTL, 3, ENOMEM);
	ck_assert_int_lt(
		ax_virtio_attach(&other->virtio, drv->vm, DRV_MMIO + 0x1000, NULL, 0, &err), 0);
	ck_assert_uint_eq(fake_ioeventfds(0), before);
	ck_assert_int_eq(
		ax_virtio_attach(&other->virtio, drv->vm, DRV_MMIO + 0x1000, NULL, 0, &err), 0);
	ck_assert_int_eq(ax_virtio_detach(&other->virtio, NULL), 0);
	ax_virtio_free(&other->virtio);
}
END_TEST

START_TEST(what_can_not_be_made_is_refused)
{
	const struct virtio_type type = { .id = 1, .name = "odd" };
	const uint32_t sizes[VIRTIO_QUEUES_MAX + 1] = { 3, 0, 2048 };
	struct virtio_init init = {
		.type = &type, .host = drv->host, .queue_count = 1, .queue_size = sizes
	};
	AxError err = AX_ERROR_INIT;
	AxVirtio virtio;

	memset(&virtio, 0, sizeof(virtio));
	for (unsigned i = 0; i < 3; i++, init.queue_size++)
		ck_assert_fails(virtio_init(&virtio, &init, &err), -EINVAL, AX_ERROR_ARGUMENT,
				"power of two");
	init.queue_count = VIRTIO_QUEUES_MAX + 1;
	ck_assert_fails(virtio_init(&virtio, &init, &err), -EINVAL, AX_ERROR_ARGUMENT, "too many");
	init.queue_count = 0;
	init.config_len = VIRTIO_CONFIG_MAX + 1;
	ck_assert_fails(virtio_init(&virtio, &init, &err), -EINVAL, AX_ERROR_ARGUMENT, "too many");
	init.config_len = 0;
	init.name = "";
	ck_assert_int_eq(virtio_init(&virtio, &init, &err), -EINVAL);
	init.name = NULL;
	init.host = NULL;
	ck_assert_fails(virtio_init(&virtio, &init, &err), -EINVAL, AX_ERROR_ARGUMENT, "AxHost");
	virtio_fini(&virtio);
	init.host = drv->host;
	for (unsigned nth = 1; nth <= 3; nth++) {
		memset(&virtio, 0, sizeof(virtio));
		fake_libc_fail(LIBC_MALLOC, nth, ENOMEM);
		ck_assert_int_eq(virtio_init(&virtio, &init, &err), -ENOMEM);
		virtio_fini(&virtio);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtio-mmio");
	TCase *tcase = tcase_create("mmio");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_identity_is_that_of_section_4_2_2);
	tcase_add_test(tcase, there_is_no_shared_memory);
	tcase_add_test(tcase, registers_are_accessed_in_whole_and_others_are_zero);
	tcase_add_test(tcase, features_are_those_that_were_offered);
	tcase_add_test(tcase, the_status_only_grows_until_the_reset);
	tcase_add_test(tcase, queues_have_sizes_and_are_ready_after_features_ok);
	tcase_add_loop_test(tcase, rings_that_can_not_be_break_the_device, 0, 15);
	tcase_add_loop_test(tcase, the_smallest_rings_at_the_ends_of_ram_are_good, 0, 2);
	tcase_add_test(tcase, edges_are_pulsed_for_each_reason);
	tcase_add_test(tcase, a_level_is_high_while_a_reason_is_there);
	tcase_add_test(tcase, the_configuration_has_any_width_and_an_end);
	tcase_add_test(tcase, a_new_configuration_is_a_new_generation);
	tcase_add_test(tcase, writes_of_queue_notify_are_kvms);
	tcase_add_test(tcase, counters_count);
	tcase_add_test(tcase, a_device_outlives_its_vm);
	tcase_add_test(tcase, what_can_not_be_attached_claims_nothing);
	tcase_add_test(tcase, what_can_not_be_made_is_refused);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
