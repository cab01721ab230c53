/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PL011 as the guest sees it: registers, FIFO, interrupts. axvmm/devices.h says where it differs
 * from the PrimeCell.
 */
#include <string.h>

#include "dev/pl011.h"

#define RESET_CR   (PL011_CR_TXE | PL011_CR_RXE)
#define RESET_IFLS 0x12

/* UARTPeriphID0 to 3 of r1p1, whose FIFOs have 16 bytes, and UARTPCellID0 to 3: DDI 0183, 3.3.14. */
static const uint8_t identity[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

void pl011_power_on(AxPl011 *uart)
{
	memset(&uart->regs, 0, sizeof(uart->regs));
	uart->regs.cr = RESET_CR;
	uart->regs.ifls = RESET_IFLS;
	uart->regs.lines = uart->host_lines;
}

static unsigned capacity(const struct pl011_regs *regs)
{
	return regs->lcr_h & PL011_LCR_H_FEN ? PL011_FIFO_SIZE : 1;
}

unsigned pl011_room(const struct pl011_regs *regs)
{
	/* More than fits is there when the FIFOs were switched off around it. */
	return regs->count < capacity(regs) ? capacity(regs) - regs->count : 0;
}

/* UARTIFLS, RXIFLSEL: eighths of the FIFO; reserved values are taken for the highest. */
static unsigned trigger_level(const struct pl011_regs *regs)
{
	static const uint8_t levels[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	return regs->lcr_h & PL011_LCR_H_FEN ? levels[regs->ifls >> 3 & 7] : 1;
}

/* What the waiting bytes are a reason for. */
static void raise_received(struct pl011_regs *regs)
{
	if (regs->count)
		regs->ris |= PL011_INT_TIMEOUT;
	if (regs->count >= trigger_level(regs))
		regs->ris |= PL011_INT_RX;
}

void pl011_receive(struct pl011_regs *regs, uint8_t byte, uint8_t status)
{
	uint8_t at;

	if (!pl011_room(regs)) {
		regs->overrun = true;
		regs->rsr |= PL011_RSR_OVERRUN;
		regs->ris |= PL011_INT_OVERRUN;
		return;
	}
	at = (regs->top + regs->count++) % PL011_FIFO_SIZE;
	regs->data[at] = byte;
	regs->status[at] = status;
	if (status & PL011_RSR_BREAK)
		regs->ris |= PL011_INT_BREAK;
	raise_received(regs);
}

void pl011_update_irq(AxPl011 *uart)
{
	bool level = uart->regs.ris & uart->regs.imsc;

	if (level == uart->irq_level)
		return;
	uart->irq_level = level;
	ax_irq_set(&uart->irq, level);
}

void pl011_offer_room(AxPl011 *uart)
{
	if (!uart->starved || uart->regs.count || uart->regs.cr & PL011_CR_LBE)
		return;
	uart->starved = false;
	if (uart->config.room)
		uart->config.room(uart->config.room_opaque);
}

/* CR's outputs on FR's inputs: DDI 0183, 2.7.1, "System and diagnostic loopback testing". */
static uint16_t looped_lines(uint16_t cr)
{
	uint16_t lines = 0;

	if (cr & PL011_CR_RTS)
		lines |= PL011_FR_CTS;
	if (cr & PL011_CR_DTR)
		lines |= PL011_FR_DSR;
	if (cr & PL011_CR_OUT1)
		lines |= PL011_FR_DCD;
	if (cr & PL011_CR_OUT2)
		lines |= PL011_FR_RI;
	return lines;
}

void pl011_update_lines(AxPl011 *uart)
{
	struct pl011_regs *regs = &uart->regs;
	uint16_t lines = regs->cr & PL011_CR_LBE ? looped_lines(regs->cr) : uart->host_lines;
	uint16_t changed = regs->lines ^ lines;

	regs->lines = lines;
	if (changed & PL011_FR_RI)
		regs->ris |= PL011_INT_RI;
	if (changed & PL011_FR_CTS)
		regs->ris |= PL011_INT_CTS;
	if (changed & PL011_FR_DCD)
		regs->ris |= PL011_INT_DCD;
	if (changed & PL011_FR_DSR)
		regs->ris |= PL011_INT_DSR;
}

static uint32_t read_data(struct pl011_regs *regs)
{
	uint32_t value;

	if (!regs->count)
		return 0;
	regs->rsr = (regs->rsr & PL011_RSR_OVERRUN) | regs->status[regs->top];
	value = regs->data[regs->top] | (uint32_t)regs->status[regs->top] << PL011_DR_STATUS;
	if (regs->overrun)
		value |= PL011_RSR_OVERRUN << PL011_DR_STATUS;
	regs->overrun = false;
	regs->top = (regs->top + 1) % PL011_FIFO_SIZE;
	regs->count--;
	if (regs->count < trigger_level(regs))
		regs->ris &= ~PL011_INT_RX;
	if (!regs->count)
		regs->ris &= ~PL011_INT_TIMEOUT;
	return value;
}

static uint32_t read_flags(const struct pl011_regs *regs)
{
	uint32_t flags = PL011_FR_TXFE | regs->lines;

	if (!regs->count)
		flags |= PL011_FR_RXFE;
	if (!pl011_room(regs))
		flags |= PL011_FR_RXFF;
	return flags;
}

static uint32_t read_register(AxPl011 *uart, uint64_t reg)
{
	struct pl011_regs *regs = &uart->regs;
	uint32_t value;

	if (reg >= PL011_PERIPH_ID)
		return identity[(reg - PL011_PERIPH_ID) / 4];
	switch (reg) {
	case PL011_DR:
		value = read_data(regs);
		pl011_offer_room(uart);
		pl011_update_irq(uart);
		return value;
	case PL011_RSR_ECR: return regs->rsr;
	case PL011_FR: return read_flags(regs);
	case PL011_ILPR: return regs->ilpr;
	case PL011_IBRD: return regs->ibrd;
	case PL011_FBRD: return regs->fbrd;
	case PL011_LCR_H: return regs->lcr_h;
	case PL011_CR: return regs->cr;
	case PL011_IFLS: return regs->ifls;
	case PL011_IMSC: return regs->imsc;
	case PL011_RIS: return regs->ris;
	case PL011_MIS: return regs->ris & regs->imsc;
	case PL011_DMACR: return regs->dmacr;
	default: return 0;
	}
}

static void transmit(AxPl011 *uart, uint8_t byte)
{
	struct pl011_regs *regs = &uart->regs;

	/*
	 * The byte takes the interrupt back and is gone at once: the transmitter passes its level
	 * again, an edge for controllers that need one.
	 */
	regs->ris &= ~PL011_INT_TX;
	pl011_update_irq(uart);
	if (regs->cr & PL011_CR_LBE)
		pl011_receive(regs, byte, 0);
	else if (uart->config.output.write)
		uart->config.output.write(uart->config.output.opaque, &byte, 1);
	regs->ris |= PL011_INT_TX;
}

static void write_control(AxPl011 *uart, uint16_t value)
{
	struct pl011_regs *regs = &uart->regs;
	uint16_t risen = value & ~regs->cr;

	regs->cr = value & PL011_CR_BITS;
	if (risen & PL011_CR_UARTEN)
		raise_received(regs);
	pl011_update_lines(uart);
	pl011_offer_room(uart);
}

static void write_mask(struct pl011_regs *regs, uint16_t value)
{
	uint16_t risen = value & ~regs->imsc;

	regs->imsc = value & PL011_INT_BITS;
	if (risen & (PL011_INT_RX | PL011_INT_TIMEOUT))
		raise_received(regs);
}

static void write_register(AxPl011 *uart, uint64_t reg, uint32_t value)
{
	struct pl011_regs *regs = &uart->regs;

	switch (reg) {
	case PL011_DR: transmit(uart, (uint8_t)value); break;
	case PL011_RSR_ECR: regs->rsr = 0; return;
	case PL011_ILPR: regs->ilpr = (uint8_t)value; return;
	case PL011_IBRD: regs->ibrd = (uint16_t)value; return;
	case PL011_FBRD: regs->fbrd = value & PL011_FBRD_BITS; return;
	case PL011_LCR_H:
		regs->lcr_h = (uint8_t)value;
		raise_received(regs);
		break;
	case PL011_CR: write_control(uart, (uint16_t)value); break;
	case PL011_IFLS: regs->ifls = value & PL011_IFLS_BITS; return;
	case PL011_IMSC: write_mask(regs, (uint16_t)value); break;
	case PL011_ICR: regs->ris &= ~value; break;
	case PL011_DMACR: regs->dmacr = value & PL011_DMACR_BITS; return;
	default: return; /* FR, RIS, MIS and the identity are for reading; the rest is nothing */
	}
	pl011_update_irq(uart);
}

/* Registers are words. What begins inside of one is nothing that the bus can carry. */
static bool is_access(uint64_t offset, unsigned size)
{
	return offset < PL011_SIZE && size <= PL011_SIZE - offset && offset % 4 == 0;
}

static AxHandled pl011_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t *value)
{
	AxPl011 *uart = opaque;

	if (!is_access(offset, 1u << width))
		return AX_UNHANDLED;
	*value = read_register(uart, offset);
	if (width == AX_WIDTH_QWORD)
		*value |= (uint64_t)read_register(uart, offset + 4) << 32;
	return AX_HANDLED;
}

static AxHandled pl011_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t value)
{
	AxPl011 *uart = opaque;

	if (!is_access(offset, 1u << width))
		return AX_UNHANDLED;
	value &= ax_dev_mask(width);
	write_register(uart, offset, (uint32_t)value);
	if (width == AX_WIDTH_QWORD)
		write_register(uart, offset + 4, (uint32_t)(value >> 32));
	return AX_HANDLED;
}

const AxRangeOps pl011_ops = {
	.size = sizeof(AxRangeOps),
	.read = pl011_read,
	.write = pl011_write,
};
