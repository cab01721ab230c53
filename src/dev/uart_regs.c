/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UART as the guest sees it: registers, FIFO, interrupts. axvmm/devices.h says where it differs
 * from the chip.
 */
#include <string.h>

#include "dev/uart.h"

/* 9600 baud at the usual 1.8432 MHz; the chip leaves it undefined. */
#define POWER_ON_DIVISOR 12

void uart_power_on(AxUart *uart)
{
	memset(&uart->regs, 0, sizeof(uart->regs));
	uart->regs.dll = POWER_ON_DIVISOR;
	uart->regs.lines = uart->host_lines;
}

unsigned uart_capacity(const struct uart_regs *regs)
{
	return regs->fcr & UART_FCR_ENABLE ? UART_FIFO_SIZE : 1;
}

static unsigned trigger_level(const struct uart_regs *regs)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return regs->fcr & UART_FCR_ENABLE ? levels[regs->fcr >> 6] : 1;
}

/* A byte has become the one that RBR reads: its errors show in LSR from now on. */
static void reveal_top(struct uart_regs *regs)
{
	regs->errors |= regs->status[regs->top];
	regs->status[regs->top] = 0;
}

void uart_receive(struct uart_regs *regs, uint8_t byte, uint8_t status)
{
	uint8_t at;

	if (regs->count == uart_capacity(regs)) {
		/* A full FIFO keeps what it has; a single register is written over. */
		regs->errors |= UART_LSR_OVERRUN;
		if (regs->fcr & UART_FCR_ENABLE)
			return;
		regs->count = 0;
	}
	at = (regs->top + regs->count) % UART_FIFO_SIZE;
	regs->data[at] = byte;
	regs->status[at] = status;
	if (!regs->count++)
		reveal_top(regs);
	else if (status)
		regs->flagged++;
}

static uint8_t take_received(struct uart_regs *regs)
{
	uint8_t byte = regs->data[regs->top];

	if (!regs->count)
		return 0;
	regs->top = (regs->top + 1) % UART_FIFO_SIZE;
	if (--regs->count) {
		if (regs->status[regs->top])
			regs->flagged--;
		reveal_top(regs);
	}
	return byte;
}

static void clear_receiver(struct uart_regs *regs)
{
	regs->count = 0;
	regs->flagged = 0;
	regs->top = 0;
	regs->errors &= ~UART_LSR_OF_BYTE;
}

static uint8_t interrupt_id(const struct uart_regs *regs)
{
	if (regs->ier & UART_IER_LINE && regs->errors)
		return UART_IIR_LINE;
	if (regs->ier & UART_IER_RECEIVED && regs->count)
		return regs->count >= trigger_level(regs) ? UART_IIR_RECEIVED : UART_IIR_TIMEOUT;
	if (regs->ier & UART_IER_THRE && regs->thre)
		return UART_IIR_THRE;
	if (regs->ier & UART_IER_MODEM && regs->deltas)
		return UART_IIR_MODEM;
	return UART_IIR_NONE;
}

void uart_update_irq(AxUart *uart)
{
	const struct uart_regs *regs = &uart->regs;
	bool level = interrupt_id(regs) != UART_IIR_NONE;

	/* In loopback the OUT2 pin is off whatever its bit says. */
	if (uart->config.flags & AX_UART_GATE_OUT2 &&
	    (regs->mcr & (UART_MCR_OUT2 | UART_MCR_LOOP)) != UART_MCR_OUT2)
		level = false;
	if (level == uart->irq_level)
		return;
	uart->irq_level = level;
	ax_irq_set(&uart->irq, level);
}

void uart_offer_room(AxUart *uart)
{
	if (!uart->starved || uart->regs.count || uart->regs.mcr & UART_MCR_LOOP)
		return;
	uart->starved = false;
	if (uart->config.room)
		uart->config.room(uart->config.room_opaque);
}

/* MCR's outputs on MSR's inputs: section 8.6.5, loopback. */
static uint8_t looped_lines(uint8_t mcr)
{
	uint8_t lines = 0;

	if (mcr & UART_MCR_RTS)
		lines |= AX_UART_CTS;
	if (mcr & UART_MCR_DTR)
		lines |= AX_UART_DSR;
	if (mcr & UART_MCR_OUT1)
		lines |= AX_UART_RI;
	if (mcr & UART_MCR_OUT2)
		lines |= AX_UART_DCD;
	return lines;
}

void uart_update_lines(AxUart *uart)
{
	struct uart_regs *regs = &uart->regs;
	uint8_t before = regs->lines;
	uint8_t changed;

	regs->lines = regs->mcr & UART_MCR_LOOP ? looped_lines(regs->mcr) : uart->host_lines;
	changed = before ^ regs->lines;
	if (changed & AX_UART_CTS)
		regs->deltas |= UART_MSR_DELTA_CTS;
	if (changed & AX_UART_DSR)
		regs->deltas |= UART_MSR_DELTA_DSR;
	if (changed & AX_UART_DCD)
		regs->deltas |= UART_MSR_DELTA_DCD;
	if (changed & before & AX_UART_RI)
		regs->deltas |= UART_MSR_TRAILING_RI;
}

static uint8_t read_iir(struct uart_regs *regs)
{
	uint8_t id = interrupt_id(regs);

	if (id == UART_IIR_THRE)
		regs->thre = false;
	return id | (regs->fcr & UART_FCR_ENABLE ? UART_IIR_FIFOS : 0);
}

static uint8_t line_status(const struct uart_regs *regs)
{
	uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT | regs->errors;

	if (regs->count)
		lsr |= UART_LSR_DATA;
	if (regs->fcr & UART_FCR_ENABLE && (regs->flagged || regs->errors & UART_LSR_OF_BYTE))
		lsr |= UART_LSR_FIFO_ERROR;
	return lsr;
}

static uint8_t read_lsr(struct uart_regs *regs)
{
	uint8_t lsr = line_status(regs);

	regs->errors = 0;
	return lsr;
}

static uint8_t read_msr(struct uart_regs *regs)
{
	uint8_t msr = regs->lines | regs->deltas;

	regs->deltas = 0;
	return msr;
}

static uint8_t read_register(AxUart *uart, unsigned reg)
{
	struct uart_regs *regs = &uart->regs;
	uint8_t value;

	regs->burst = 0;
	switch (reg) {
	case UART_RBR_THR:
		if (regs->lcr & UART_LCR_DLAB)
			return regs->dll;
		value = take_received(regs);
		uart_offer_room(uart);
		break;
	case UART_IER: return regs->lcr & UART_LCR_DLAB ? regs->dlm : regs->ier;
	case UART_IIR_FCR: value = read_iir(regs); break;
	case UART_LCR: return regs->lcr;
	case UART_MCR: return regs->mcr;
	case UART_LSR: value = read_lsr(regs); break;
	case UART_MSR: value = read_msr(regs); break;
	default: return regs->scr;
	}
	uart_update_irq(uart);
	return value;
}

static void transmit(AxUart *uart, uint8_t byte)
{
	struct uart_regs *regs = &uart->regs;

	/*
	 * Writing takes the interrupt back and an empty transmitter asks for the next byte: an edge for
	 * controllers that need one. With FIFOs on the transmitter is not empty between the bytes of a
	 * burst, so that only its first byte makes the edge.
	 */
	if (!(regs->fcr & UART_FCR_ENABLE) || regs->burst == UART_FIFO_SIZE)
		regs->burst = 0;
	if (!regs->burst++) {
		regs->thre = false;
		uart_update_irq(uart);
	}
	if (regs->mcr & UART_MCR_LOOP)
		uart_receive(regs, byte, 0);
	else if (uart->config.output.write)
		uart->config.output.write(uart->config.output.opaque, &byte, 1);
	regs->thre = true;
}

static void write_ier(struct uart_regs *regs, uint8_t value)
{
	uint8_t risen = value & ~regs->ier;

	regs->ier = value & UART_IER_BITS;
	/* The transmitter is always empty, so enabling its interrupt is reason enough for one. */
	if (risen & UART_IER_THRE)
		regs->thre = true;
}

static void write_fcr(struct uart_regs *regs, uint8_t value)
{
	/* Other bits are programmed only together with the enable bit, and changing that clears. */
	if ((value ^ regs->fcr) & UART_FCR_ENABLE)
		value |= UART_FCR_CLEAR_RX;
	else if (!(value & UART_FCR_ENABLE))
		return;
	if (value & UART_FCR_CLEAR_RX)
		clear_receiver(regs);
	regs->fcr = value & UART_FCR_ENABLE ? value & UART_FCR_KEPT : 0;
}

static void write_register(AxUart *uart, unsigned reg, uint8_t value)
{
	struct uart_regs *regs = &uart->regs;
	bool latch = regs->lcr & UART_LCR_DLAB;

	if (reg == UART_RBR_THR && !latch) {
		transmit(uart, value);
		uart_update_irq(uart);
		return;
	}
	regs->burst = 0;
	switch (reg) {
	case UART_RBR_THR: regs->dll = value; return;
	case UART_IER:
		if (latch) {
			regs->dlm = value;
			return;
		}
		write_ier(regs, value);
		break;
	case UART_IIR_FCR:
		write_fcr(regs, value);
		uart_offer_room(uart);
		break;
	case UART_LCR: regs->lcr = value; return;
	case UART_MCR:
		regs->mcr = value & UART_MCR_BITS;
		uart_update_lines(uart);
		uart_offer_room(uart);
		break;
	case UART_SCR: regs->scr = value; return;
	default: return; /* LSR and MSR are for reading; writing is for the factory's test */
	}
	uart_update_irq(uart);
}

/* Whether an access lies inside the registers: the dispatch promises it. */
static bool is_inside(const AxUart *uart, uint64_t offset, unsigned size)
{
	uint64_t length = (uint64_t)UART_REGISTERS << uart->config.reg_shift;

	return offset < length && size <= length - offset;
}

static bool is_register(const AxUart *uart, uint64_t offset)
{
	return !(offset & ((1u << uart->config.reg_shift) - 1));
}

static AxHandled read_registers(AxUart *uart, uint64_t offset, unsigned size, uint64_t *value)
{
	if (!is_inside(uart, offset, size))
		return AX_UNHANDLED;
	*value = 0;
	for (unsigned i = 0; i < size; i++, offset++) {
		if (is_register(uart, offset))
			*value |= (uint64_t)read_register(uart, offset >> uart->config.reg_shift)
				  << (8 * i);
	}
	return AX_HANDLED;
}

static AxHandled uart_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	AxUart *uart = opaque;
	bool polls = offset == (uint64_t)UART_LSR << uart->config.reg_shift &&
		     width == AX_WIDTH_BYTE && !uart->regs.errors;

	if (!polls)
		return read_registers(uart, offset, 1u << width, value);
	/* Drivers do it before each byte: without errors to take back, no interrupt changes. */
	uart->regs.burst = 0;
	*value = line_status(&uart->regs);
	return AX_HANDLED;
}

static AxHandled uart_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	AxUart *uart = opaque;
	unsigned size = 1u << width;

	if (!is_inside(uart, offset, size))
		return AX_UNHANDLED;
	for (unsigned i = 0; i < size; i++, offset++) {
		if (is_register(uart, offset))
			write_register(uart, offset >> uart->config.reg_shift, value >> (8 * i));
	}
	return AX_HANDLED;
}

const AxRangeOps uart_ops = {
	.size = sizeof(AxRangeOps),
	.read = uart_read,
	.write = uart_write,
};
