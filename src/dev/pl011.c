/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011: the object, its place in a VM, its host side, and its state as bytes. The registers are in
 * pl011_regs.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/pl011.h"

#define STATE_VERSION 1
#define HOST_LINES    (PL011_FR_CTS | PL011_FR_DSR | PL011_FR_DCD)
#define ALL_LINES     (HOST_LINES | PL011_FR_RI)
#define MODEM_LINES   (AX_UART_CTS | AX_UART_DSR | AX_UART_RI | AX_UART_DCD)

static size_t host_room(const struct pl011_regs *regs)
{
	return regs->cr & PL011_CR_LBE ? 0 : pl011_room(regs);
}

static size_t take_input(AxPl011 *uart, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	size_t taken;

	ax_lock(uart->lock);
	taken = host_room(&uart->regs);
	if (taken < len)
		uart->starved = true;
	else
		taken = len;
	for (size_t i = 0; i < taken; i++)
		pl011_receive(&uart->regs, from[i], 0);
	pl011_update_irq(uart);
	ax_unlock(uart->lock);
	return taken;
}

static size_t find_room(AxPl011 *uart)
{
	size_t free_bytes;

	ax_lock(uart->lock);
	free_bytes = host_room(&uart->regs);
	if (!free_bytes)
		uart->starved = true;
	ax_unlock(uart->lock);
	return free_bytes;
}

static bool take_break(AxPl011 *uart)
{
	bool fits;

	ax_lock(uart->lock);
	fits = host_room(&uart->regs);
	if (fits)
		pl011_receive(&uart->regs, 0, PL011_RSR_BREAK);
	else
		uart->starved = true;
	pl011_update_irq(uart);
	ax_unlock(uart->lock);
	return fits;
}

static void drive_modem(AxPl011 *uart, uint32_t lines)
{
	ax_lock(uart->lock);
	uart->host_lines = (lines & AX_UART_CTS ? PL011_FR_CTS : 0) |
			   (lines & AX_UART_DSR ? PL011_FR_DSR : 0) |
			   (lines & AX_UART_DCD ? PL011_FR_DCD : 0) |
			   (lines & AX_UART_RI ? PL011_FR_RI : 0);
	pl011_update_lines(uart);
	pl011_update_irq(uart);
	ax_unlock(uart->lock);
}

/* Calls from outside, as recordings number them. */
enum { CALL_INPUT = 1, CALL_ROOM = 2, CALL_BREAK = 3, CALL_MODEM = 4 };

/* Carry a call out; it may come from a recording, whose bytes are anything. */
static uint64_t carry_out(AxPl011 *uart, uint32_t what, const void *bytes, size_t len)
{
	uint32_t lines;

	switch (what) {
	case CALL_INPUT: return take_input(uart, bytes, len);
	case CALL_ROOM: return find_room(uart);
	case CALL_BREAK: return take_break(uart);
	default:
		if (len != sizeof(lines))
			return 0;
		memcpy(&lines, bytes, sizeof(lines));
		drive_modem(uart, lines & MODEM_LINES);
		return 0;
	}
}

static void pl011_outside(void *opaque, uint32_t what, const void *bytes, size_t len)
{
	AxPl011 *uart = opaque;
	uint64_t taken = carry_out(uart, what, bytes, len);

	ax_record_output(ax_dev_record(&uart->link), AX_RECORD_TAKEN, what, &taken, sizeof(taken));
}

static uint64_t call(AxPl011 *uart, uint32_t what, const void *bytes, size_t len)
{
	AxRecord *record = ax_dev_record(&uart->link);
	uint64_t taken;

	ax_record_enter(record, uart->link.name, what, bytes, len);
	taken = carry_out(uart, what, bytes, len);
	ax_record_output(record, AX_RECORD_TAKEN, what, &taken, sizeof(taken));
	ax_record_leave(record);
	return taken;
}

size_t ax_pl011_input(AxPl011 *uart, const void *bytes, size_t len)
{
	return (size_t)call(uart, CALL_INPUT, bytes, len);
}

size_t ax_pl011_input_room(AxPl011 *uart)
{
	return (size_t)call(uart, CALL_ROOM, NULL, 0);
}

bool ax_pl011_input_break(AxPl011 *uart)
{
	return call(uart, CALL_BREAK, NULL, 0);
}

int ax_pl011_set_modem(AxPl011 *uart, uint32_t lines)
{
	if (lines & ~MODEM_LINES)
		return -EINVAL;
	(void)call(uart, CALL_MODEM, &lines, sizeof(lines));
	return 0;
}

static void pl011_reset(void *opaque)
{
	AxPl011 *uart = opaque;

	ax_lock(uart->lock);
	pl011_power_on(uart);
	pl011_update_irq(uart);
	pl011_offer_room(uart);
	ax_unlock(uart->lock);
}

static int pl011_save(void *opaque, AxState *state)
{
	AxPl011 *uart = opaque;
	const struct pl011_regs *regs = &uart->regs;

	ax_lock(uart->lock);
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u32(state, regs->ibrd);
	ax_state_put_u8(state, regs->fbrd);
	ax_state_put_u8(state, regs->ilpr);
	ax_state_put_u8(state, regs->lcr_h);
	ax_state_put_u8(state, regs->ifls);
	ax_state_put_u8(state, regs->dmacr);
	ax_state_put_u8(state, regs->rsr);
	ax_state_put_u32(state, regs->cr);
	ax_state_put_u32(state, regs->imsc);
	ax_state_put_u32(state, regs->ris);
	ax_state_put_u32(state, regs->lines);
	ax_state_put_u8(state, regs->overrun);
	ax_state_put_u8(state, regs->count);
	for (unsigned i = 0; i < regs->count; i++) {
		unsigned at = (regs->top + i) % PL011_FIFO_SIZE;

		ax_state_put_u8(state, regs->data[at]);
		ax_state_put_u8(state, regs->status[at]);
	}
	ax_unlock(uart->lock);
	return ax_state_error(state);
}

/* A number of 16 bits, of which only @bits can be set; *bad is set when others are. */
static uint16_t take_u16(AxState *state, uint16_t bits, bool *bad)
{
	uint32_t value = ax_state_get_u32(state);

	if (value & ~(uint32_t)bits)
		*bad = true;
	return (uint16_t)value;
}

static uint8_t take_u8(AxState *state, uint8_t bits, bool *bad)
{
	uint8_t value = ax_state_get_u8(state);

	if (value & ~bits)
		*bad = true;
	return value;
}

/* Registers that the guest could not have brought about are refused. */
static int take_regs(struct pl011_regs *regs, AxState *state)
{
	bool bad = ax_state_get_u8(state) != STATE_VERSION;

	regs->ibrd = take_u16(state, PL011_IBRD_BITS, &bad);
	regs->fbrd = take_u8(state, PL011_FBRD_BITS, &bad);
	regs->ilpr = ax_state_get_u8(state);
	regs->lcr_h = take_u8(state, PL011_LCR_H_BITS, &bad);
	regs->ifls = take_u8(state, PL011_IFLS_BITS, &bad);
	regs->dmacr = take_u8(state, PL011_DMACR_BITS, &bad);
	regs->rsr = take_u8(state, PL011_RSR_BITS, &bad);
	regs->cr = take_u16(state, PL011_CR_BITS, &bad);
	regs->imsc = take_u16(state, PL011_INT_BITS, &bad);
	regs->ris = take_u16(state, PL011_INT_BITS, &bad);
	regs->lines = take_u16(state, ALL_LINES, &bad);
	regs->overrun = take_u8(state, 1, &bad);
	regs->count = ax_state_get_u8(state);
	if (bad || regs->count > PL011_FIFO_SIZE)
		return -EINVAL;
	for (unsigned i = 0; i < regs->count; i++) {
		regs->data[i] = ax_state_get_u8(state);
		regs->status[i] = take_u8(state, PL011_RSR_OF_BYTE, &bad);
	}
	return bad ? -EINVAL : ax_state_error(state);
}

static int pl011_restore(void *opaque, AxState *state)
{
	AxPl011 *uart = opaque;
	struct pl011_regs regs = { 0 };
	int ret;

	ret = take_regs(&regs, state);
	ax_lock(uart->lock);
	if (ret) {
		pl011_power_on(uart);
	} else {
		uart->regs = regs;
		/* The modem inputs are the host's. What is different now is a change that the guest sees. */
		pl011_update_lines(uart);
	}
	pl011_update_irq(uart);
	pl011_offer_room(uart);
	ax_unlock(uart->lock);
	return ret;
}

static const AxDeviceOps pl011_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = pl011_reset,
	.save = pl011_save,
	.restore = pl011_restore,
	.outside = pl011_outside,
};

int ax_pl011_new(const AxPl011Config *config, AxPl011 **out, AxError *err)
{
	AxPl011Config known = AX_PL011_CONFIG_INIT;
	AxPl011 *uart;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxPl011Config", err);
	if (ret)
		return ret;
	uart = calloc(1, sizeof(*uart));
	if (!uart)
		return ax_dev_error_nomem(err, "a PL011");
	uart->config = known;
	uart->config.name = NULL;
	ret = ax_dev_name(&uart->link, known.name, "pl011", err);
	if (ret)
		goto fail;
	uart->lock = ax_lock_new();
	if (!uart->lock) {
		ret = ax_dev_error_nomem(err, "a PL011");
		goto fail;
	}
	uart->host_lines = HOST_LINES;
	pl011_power_on(uart);
	*out = uart;
	return 0;

fail:
	free(uart);
	return ret;
}

/* Let the old line fall; drive the new one, which starts low. */
static void connect_irq(AxPl011 *uart, const AxIrq *irq)
{
	ax_lock(uart->lock);
	if (uart->irq_level)
		ax_irq_set(&uart->irq, false);
	uart->irq = irq ? *irq : (AxIrq){ 0 };
	uart->irq_level = false;
	pl011_update_irq(uart);
	ax_unlock(uart->lock);
}

int ax_pl011_attach(AxPl011 *uart, AxVm *vm, AxGuestPhysAddr base, const AxIrq *irq, AxError *err)
{
	const struct ax_dev_window window = {
		.space = AX_SPACE_MMIO,
		.base = base,
		.length = PL011_SIZE,
		.ops = &pl011_ops,
	};
	int ret;

	ret = ax_dev_attach(&uart->link, vm, &window, 1, uart->lock, &pl011_device_ops, uart, err);
	if (ret)
		return ret;
	connect_irq(uart, irq);
	return 0;
}

int ax_pl011_detach(AxPl011 *uart, AxError *err)
{
	int ret;

	ret = ax_dev_detach(&uart->link, err);
	if (ret)
		return ret;
	connect_irq(uart, NULL);
	return 0;
}

void ax_pl011_free(AxPl011 *uart)
{
	if (!uart)
		return;
	ax_lock_free(uart->lock);
	free(uart);
}
