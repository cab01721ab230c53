/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The piece of code "tour" and what answers it; see tour.h.
 */
#include "tour.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CALL_RESULT 0x5a5a

static void note(struct tour *tour, const AxVCpuExitReason *exit, uint64_t answer)
{
	char line[256];

	ax_exit_format(exit, line, sizeof(line));
	ck_assert_uint_lt(tour->len + strlen(line) + 32, sizeof(tour->text));
	tour->len += (size_t)snprintf(tour->text + tour->len, sizeof(tour->text) - tour->len,
				      "%s -> 0x%" PRIx64 "\n", line, answer);
}

/*
 * What is read at an address, or a port: every byte another one, the top bit set in half of them.
 */
static uint64_t value_at(uint64_t addr, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= ((addr + i) * 0x9d & 0xff) << (8 * i);
	return value;
}

/*
 * 1. By hand.
 */

bool tour_is_end(const AxVCpuExitReason *exit)
{
	return exit->kind == AX_EXIT_MMIO_WRITE && exit->mmio_write.addr == CODE_MMIO + CODE_END;
}

static uint64_t answer_mmio_read(AxVCpu *vcpu, const AxExitMmioRead *read)
{
	uint64_t answer = value_at(read->addr, read->len);

	if (read->addr - CODE_MMIO >= CODE_CLAIMED)
		answer = ax_access_width_mask((AxAccessWidth)read->width);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, answer), 0);
	return answer;
}

static uint64_t answer_io_read(AxVCpu *vcpu, const AxExitIoRead *read)
{
	size_t size = ax_access_width_size((AxAccessWidth)read->width);
	uint64_t answer = value_at(read->port, size);
	uint8_t bytes[64];

	if (read->count == 1) {
		ck_assert_int_eq(ax_vcpu_reply_read(vcpu, answer), 0);
		return answer;
	}
	ck_assert_uint_le(read->count * size, sizeof(bytes));
	for (uint32_t i = 0; i < read->count; i++)
		memcpy(bytes + i * size, &answer, size);
	ck_assert_int_eq(ax_vcpu_reply_read(vcpu, answer), -EPERM);
	ck_assert_int_eq(ax_vcpu_reply_bytes(vcpu, bytes, read->count * size), 0);
	return answer;
}

void tour_answer(struct tour *tour, const AxVCpuExitReason *exit)
{
	AxVCpu *vcpu = tour->vm.vcpu;
	AxError err = AX_ERROR_INIT;
	uint64_t answer = 0;

	switch (exit->kind) {
	case AX_EXIT_MMIO_READ: answer = answer_mmio_read(vcpu, &exit->mmio_read); break;
	case AX_EXIT_IO_READ: answer = answer_io_read(vcpu, &exit->io_read); break;
	case AX_EXIT_HYPERCALL:
		answer = CALL_RESULT + exit->hypercall.args[5];
		ck_ok(ax_vcpu_set_return_value(vcpu, answer, &err), err);
		break;
	case AX_EXIT_MMIO_WRITE:
		if (exit->mmio_write.addr == CODE_MMIO + CODE_RESULT)
			tour->result = exit->mmio_write.data;
		break;
	default: ck_exit_kind(exit, AX_EXIT_IO_WRITE);
	}
	note(tour, exit, answer);
}

void tour_by_hand(struct tour *tour)
{
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;

	tour_open(tour);
	ck_ok(ax_vcpu_bind(tour->vm.vcpu, AX_ANY_CPU, &err), err);
	do {
		ck_ok(ax_vcpu_run(tour->vm.vcpu, &exit, &err), err);
		tour_answer(tour, &exit);
	} while (!tour_is_end(&exit));
	ck_ok(ax_vcpu_unbind(tour->vm.vcpu, &err), err);
	tour_close(tour);
}

/*
 * 2. By handlers.
 */

/* Reads give all bits, also those above the width, which are to be ignored. */
static AxHandled on_mmio_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t *value)
{
	*value = value_at(CODE_MMIO + offset, sizeof(*value));
	return AX_HANDLED;
}

static AxHandled on_mmio_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t value)
{
	struct tour *tour = opaque;

	if (offset == CODE_RESULT)
		tour->result = value;
	return offset == CODE_END ? AX_STOP : AX_HANDLED;
}

static AxHandled on_port_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t *value)
{
	*value = value_at(CODE_PORT + offset, sizeof(*value));
	return AX_HANDLED;
}

static AxHandled on_port_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			       uint64_t value)
{
	return AX_HANDLED;
}

static AxHandled on_call(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit, uint64_t *result)
{
	*result = CALL_RESULT + exit->hypercall.args[5];
	return AX_HANDLED;
}

static void on_exit_seen(void *opaque, AxVCpu *vcpu, const AxExitRecord *seen)
{
	note(opaque, seen->exit, seen->answer);
}

static const AxRangeOps mmio_ops = { sizeof(mmio_ops), on_mmio_read, on_mmio_write };
static const AxRangeOps port_ops = { sizeof(port_ops), on_port_read, on_port_write };
static const AxHypercallOps call_ops = { sizeof(call_ops), on_call };
const AxObserver tour_observer = { sizeof(tour_observer), on_exit_seen };

void tour_add_handlers(struct tour *tour)
{
	AxRange mmio = AX_RANGE_INIT, ports = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	mmio.name = "MMIO";
	mmio.base = CODE_MMIO;
	mmio.length = CODE_CLAIMED;
	mmio.ops = &mmio_ops;
	mmio.opaque = tour;
	ck_ok(ax_range_add_mmio(tour->vm.vm, &mmio, NULL, &err), err);
	ports.name = "ports";
	ports.base = CODE_PORT;
	ports.length = 8;
	ports.ops = &port_ops;
	ports.opaque = tour;
	ck_ok(ax_range_add_ports(tour->vm.vm, &ports, NULL, &err), err);
}

void tour_open(struct tour *tour)
{
	AxHypercallConfig config = AX_HYPERCALL_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	memset(tour, 0, sizeof(*tour));
	code_open_vm(&tour->vm, NULL, CODE(tour));
	config.block_mmio = CODE_MMIO + CODE_HYPERCALL;
	ck_ok(ax_hypercall_set(tour->vm.vm, &config, &call_ops, NULL, &err), err);
	code_add_vcpu(&tour->vm, 0);
}

void tour_close(struct tour *tour)
{
	ax_vcpu_exit_counts(tour->vm.vcpu, tour->counts);
	code_close(&tour->vm);
}
