/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UART: the object, its place in a VM, its host side, and its state as bytes. The registers are in
 * uart_regs.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/uart.h"

#define STATE_VERSION 1
#define HOST_LINES    (AX_UART_CTS | AX_UART_DSR | AX_UART_DCD)
#define MAX_REG_SHIFT 3

static size_t room(const struct uart_regs *regs)
{
	return regs->mcr & UART_MCR_LOOP ? 0 : uart_capacity(regs) - regs->count;
}

static size_t take_input(AxUart *uart, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	size_t taken;

	ax_lock(uart->lock);
	taken = room(&uart->regs);
	if (taken < len)
		uart->starved = true;
	else
		taken = len;
	for (size_t i = 0; i < taken; i++)
		uart_receive(&uart->regs, from[i], 0);
	uart_update_irq(uart);
	ax_unlock(uart->lock);
	return taken;
}

static size_t find_room(AxUart *uart)
{
	size_t free_bytes;

	ax_lock(uart->lock);
	free_bytes = room(&uart->regs);
	if (!free_bytes)
		uart->starved = true;
	ax_unlock(uart->lock);
	return free_bytes;
}

static bool take_break(AxUart *uart)
{
	bool fits;

	ax_lock(uart->lock);
	fits = room(&uart->regs);
	if (fits)
		uart_receive(&uart->regs, 0, UART_LSR_BREAK);
	else
		uart->starved = true;
	uart_update_irq(uart);
	ax_unlock(uart->lock);
	return fits;
}

static void drive_modem(AxUart *uart, uint32_t lines)
{
	ax_lock(uart->lock);
	uart->host_lines = (uint8_t)lines;
	uart_update_lines(uart);
	uart_update_irq(uart);
	ax_unlock(uart->lock);
}

/* Calls from outside, as recordings number them. */
enum { CALL_INPUT = 1, CALL_ROOM = 2, CALL_BREAK = 3, CALL_MODEM = 4 };

/* Carry a call out; it may come from a recording, whose bytes are anything. */
static uint64_t carry_out(AxUart *uart, uint32_t what, const void *bytes, size_t len)
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
		drive_modem(uart, lines & UART_MSR_LINES);
		return 0;
	}
}

static void uart_outside(void *opaque, uint32_t what, const void *bytes, size_t len)
{
	AxUart *uart = opaque;
	uint64_t taken = carry_out(uart, what, bytes, len);

	ax_record_output(ax_dev_record(&uart->link), AX_RECORD_TAKEN, what, &taken, sizeof(taken));
}

static uint64_t call(AxUart *uart, uint32_t what, const void *bytes, size_t len)
{
	AxRecord *record = ax_dev_record(&uart->link);
	uint64_t taken;

	ax_record_enter(record, uart->link.name, what, bytes, len);
	taken = carry_out(uart, what, bytes, len);
	ax_record_output(record, AX_RECORD_TAKEN, what, &taken, sizeof(taken));
	ax_record_leave(record);
	return taken;
}

size_t ax_uart_input(AxUart *uart, const void *bytes, size_t len)
{
	return (size_t)call(uart, CALL_INPUT, bytes, len);
}

size_t ax_uart_input_room(AxUart *uart)
{
	return (size_t)call(uart, CALL_ROOM, NULL, 0);
}

bool ax_uart_input_break(AxUart *uart)
{
	return call(uart, CALL_BREAK, NULL, 0);
}

int ax_uart_set_modem(AxUart *uart, uint32_t lines)
{
	if (lines & ~UART_MSR_LINES)
		return -EINVAL;
	(void)call(uart, CALL_MODEM, &lines, sizeof(lines));
	return 0;
}

static void uart_reset(void *opaque)
{
	AxUart *uart = opaque;

	ax_lock(uart->lock);
	uart_power_on(uart);
	uart_update_irq(uart);
	uart_offer_room(uart);
	ax_unlock(uart->lock);
}

static int uart_save(void *opaque, AxState *state)
{
	AxUart *uart = opaque;
	const struct uart_regs *regs = &uart->regs;

	ax_lock(uart->lock);
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u8(state, regs->ier);
	ax_state_put_u8(state, regs->fcr);
	ax_state_put_u8(state, regs->lcr);
	ax_state_put_u8(state, regs->mcr);
	ax_state_put_u8(state, regs->scr);
	ax_state_put_u8(state, regs->dll);
	ax_state_put_u8(state, regs->dlm);
	ax_state_put_u8(state, regs->errors);
	ax_state_put_u8(state, regs->lines | regs->deltas);
	ax_state_put_u8(state, regs->thre);
	ax_state_put_u8(state, regs->burst);
	ax_state_put_u8(state, regs->count);
	for (unsigned i = 0; i < regs->count; i++) {
		unsigned at = (regs->top + i) % UART_FIFO_SIZE;

		ax_state_put_u8(state, regs->data[at]);
		ax_state_put_u8(state, regs->status[at]);
	}
	ax_unlock(uart->lock);
	return ax_state_error(state);
}

/* Registers that the guest could not have brought about are refused. */
static bool are_possible(const struct uart_regs *regs)
{
	bool fifos = regs->fcr & UART_FCR_ENABLE;

	return !(regs->ier & ~UART_IER_BITS) && !(regs->fcr & ~UART_FCR_KEPT) &&
	       (fifos || !regs->fcr) && !(regs->mcr & ~UART_MCR_BITS) &&
	       !(regs->errors & ~UART_LSR_ERRORS) && regs->burst <= uart_capacity(regs) &&
	       regs->count <= uart_capacity(regs);
}

static int take_received(struct uart_regs *regs, AxState *state)
{
	for (unsigned i = 0; i < regs->count; i++) {
		regs->data[i] = ax_state_get_u8(state);
		regs->status[i] = ax_state_get_u8(state);
		/* The top's errors are in regs->errors. */
		if (regs->status[i] & ~(i ? UART_LSR_OF_BYTE : 0))
			return -EINVAL;
		if (regs->status[i])
			regs->flagged++;
	}
	return 0;
}

static int take_regs(struct uart_regs *regs, AxState *state)
{
	uint8_t version = ax_state_get_u8(state);
	uint8_t msr, thre;

	regs->ier = ax_state_get_u8(state);
	regs->fcr = ax_state_get_u8(state);
	regs->lcr = ax_state_get_u8(state);
	regs->mcr = ax_state_get_u8(state);
	regs->scr = ax_state_get_u8(state);
	regs->dll = ax_state_get_u8(state);
	regs->dlm = ax_state_get_u8(state);
	regs->errors = ax_state_get_u8(state);
	msr = ax_state_get_u8(state);
	thre = ax_state_get_u8(state);
	regs->burst = ax_state_get_u8(state);
	regs->count = ax_state_get_u8(state);
	regs->lines = msr & UART_MSR_LINES;
	regs->deltas = msr & UART_MSR_DELTAS;
	regs->thre = thre;
	if (version != STATE_VERSION || thre > 1 || !are_possible(regs) ||
	    take_received(regs, state))
		return -EINVAL;
	return ax_state_error(state);
}

static int uart_restore(void *opaque, AxState *state)
{
	AxUart *uart = opaque;
	struct uart_regs regs = { 0 };
	int ret;

	ret = take_regs(&regs, state);
	ax_lock(uart->lock);
	if (ret) {
		uart_power_on(uart);
	} else {
		uart->regs = regs;
		/* The modem inputs are the host's. What is different now is a change that the guest sees. */
		uart_update_lines(uart);
	}
	uart_update_irq(uart);
	uart_offer_room(uart);
	ax_unlock(uart->lock);
	return ret;
}

static const AxDeviceOps uart_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = uart_reset,
	.save = uart_save,
	.restore = uart_restore,
	.outside = uart_outside,
};

int ax_uart_new(const AxUartConfig *config, AxUart **out, AxError *err)
{
	AxUartConfig known = AX_UART_CONFIG_INIT;
	AxUart *uart;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxUartConfig", err);
	if (ret)
		return ret;
	if (known.reg_shift > MAX_REG_SHIFT)
		return ax_error_argument(err, -EINVAL, "reg_shift is 0 to %d, not %u",
					 MAX_REG_SHIFT, known.reg_shift);
	if (known.flags & ~AX_UART_GATE_OUT2)
		return ax_error_argument(err, -EINVAL, "unknown UART flags 0x%x", known.flags);
	uart = calloc(1, sizeof(*uart));
	if (!uart)
		return ax_dev_error_nomem(err, "a UART");
	uart->config = known;
	uart->config.name = NULL;
	ret = ax_dev_name(&uart->link, known.name, "uart", err);
	if (ret)
		goto fail;
	uart->lock = ax_lock_new();
	if (!uart->lock) {
		ret = ax_dev_error_nomem(err, "a UART");
		goto fail;
	}
	uart->host_lines = HOST_LINES;
	uart_power_on(uart);
	*out = uart;
	return 0;

fail:
	free(uart);
	return ret;
}

/* Let the old line fall; drive the new one, which starts low. */
static void connect_irq(AxUart *uart, const AxIrq *irq)
{
	ax_lock(uart->lock);
	if (uart->irq_level)
		ax_irq_set(&uart->irq, false);
	uart->irq = irq ? *irq : (AxIrq){ 0 };
	uart->irq_level = false;
	uart_update_irq(uart);
	ax_unlock(uart->lock);
}

int ax_uart_attach(AxUart *uart, AxVm *vm, AxSpace space, uint64_t base, const AxIrq *irq,
		   AxError *err)
{
	const struct ax_dev_window window = {
		.space = space,
		.base = base,
		.length = (uint64_t)UART_REGISTERS << uart->config.reg_shift,
		.ops = &uart_ops,
	};
	int ret;

	ret = ax_dev_attach(&uart->link, vm, &window, 1, uart->lock, &uart_device_ops, uart, err);
	if (ret)
		return ret;
	connect_irq(uart, irq);
	return 0;
}

int ax_uart_detach(AxUart *uart, AxError *err)
{
	int ret;

	ret = ax_dev_detach(&uart->link, err);
	if (ret)
		return ret;
	connect_irq(uart, NULL);
	return 0;
}

void ax_uart_free(AxUart *uart)
{
	if (!uart)
		return;
	ax_lock_free(uart->lock);
	free(uart);
}
