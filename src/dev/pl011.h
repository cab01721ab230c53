/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the PL011: its registers, and what pl011.c (the object, the host's side) and
 * pl011_regs.c (the guest's side) call of each other. Everything here runs with the lock held.
 *
 * Source of all bits: ARM PrimeCell UART (PL011) Technical Reference Manual, DDI 0183, chapter 3.
 */
#ifndef AXVMM_DEV_PL011_H
#define AXVMM_DEV_PL011_H

#include "dev/dev.h"

#define PL011_SIZE	0x1000
#define PL011_FIFO_SIZE 16

enum pl011_register {
	PL011_DR = 0x000,
	PL011_RSR_ECR = 0x004, /* R: RSR, W: ECR */
	PL011_FR = 0x018,
	PL011_ILPR = 0x020,
	PL011_IBRD = 0x024,
	PL011_FBRD = 0x028,
	PL011_LCR_H = 0x02c,
	PL011_CR = 0x030,
	PL011_IFLS = 0x034,
	PL011_IMSC = 0x038,
	PL011_RIS = 0x03c,
	PL011_MIS = 0x040,
	PL011_ICR = 0x044,
	PL011_DMACR = 0x048,
	PL011_PERIPH_ID = 0xfe0, /* four of them, then four of PCellID */
};

/* RSR; DR has them from bit 8 on. */
#define PL011_RSR_FRAMING 0x01
#define PL011_RSR_PARITY  0x02
#define PL011_RSR_BREAK	  0x04
#define PL011_RSR_OVERRUN 0x08
#define PL011_DR_STATUS	  8
#define PL011_RSR_OF_BYTE (PL011_RSR_FRAMING | PL011_RSR_PARITY | PL011_RSR_BREAK)
#define PL011_RSR_BITS	  (PL011_RSR_OF_BYTE | PL011_RSR_OVERRUN)

#define PL011_FR_CTS  0x001
#define PL011_FR_DSR  0x002
#define PL011_FR_DCD  0x004
#define PL011_FR_RXFE 0x010
#define PL011_FR_RXFF 0x040
#define PL011_FR_TXFE 0x080
#define PL011_FR_RI   0x100

#define PL011_LCR_H_FEN	 0x10
#define PL011_LCR_H_BITS 0xff

#define PL011_CR_UARTEN 0x0001
#define PL011_CR_LBE	0x0080
#define PL011_CR_TXE	0x0100
#define PL011_CR_RXE	0x0200
#define PL011_CR_DTR	0x0400
#define PL011_CR_RTS	0x0800
#define PL011_CR_OUT1	0x1000
#define PL011_CR_OUT2	0x2000
#define PL011_CR_BITS	0xff87

#define PL011_IFLS_BITS	 0x3f
#define PL011_IBRD_BITS	 0xffff
#define PL011_FBRD_BITS	 0x3f
#define PL011_DMACR_BITS 0x07

/* RIS, IMSC, MIS, ICR. */
#define PL011_INT_RI	  0x001
#define PL011_INT_CTS	  0x002
#define PL011_INT_DCD	  0x004
#define PL011_INT_DSR	  0x008
#define PL011_INT_RX	  0x010
#define PL011_INT_TX	  0x020
#define PL011_INT_TIMEOUT 0x040
#define PL011_INT_FRAMING 0x080
#define PL011_INT_PARITY  0x100
#define PL011_INT_BREAK	  0x200
#define PL011_INT_OVERRUN 0x400
#define PL011_INT_BITS	  0x7ff

/* What the guest can see, and nothing else: this is what is saved. */
struct pl011_regs {
	uint16_t ibrd;
	uint8_t fbrd;
	uint8_t ilpr;
	uint8_t lcr_h;
	uint8_t ifls;
	uint8_t dmacr;
	uint8_t rsr;
	uint16_t cr;
	uint16_t imsc;
	uint16_t ris;
	uint16_t lines; /* modem inputs, as in FR */
	bool overrun;	/* bytes were lost since the receiver was full */
	uint8_t count;	/* bytes in the receiver */
	uint8_t top;	/* index of the byte that DR reads */
	uint8_t data[PL011_FIFO_SIZE];
	uint8_t status[PL011_FIFO_SIZE]; /* PL011_RSR_OF_BYTE of each */
};

struct AxPl011 {
	struct pl011_regs regs;
	struct ax_dev_link link;
	AxPl011Config config;
	AxLock *lock;
	AxIrq irq;
	bool irq_level;	     /* what irq was set to last */
	bool starved;	     /* the host found no room and waits for config.room */
	uint16_t host_lines; /* modem inputs from outside, as in FR */
};

/* Values after reset of everything but the modem inputs. */
void pl011_power_on(AxPl011 *uart);

/* Bytes that the receiver still takes. */
unsigned pl011_room(const struct pl011_regs *regs);

/* A byte arrives with the errors @status (PL011_RSR_OF_BYTE). Without room: overrun. */
void pl011_receive(struct pl011_regs *regs, uint8_t byte, uint8_t status);

/* Take the modem inputs from where they come now (outside or, in loopback, CR); note changes. */
void pl011_update_lines(AxPl011 *uart);

/* Drive the interrupt output to where the registers say it belongs. */
void pl011_update_irq(AxPl011 *uart);

/* Tell a host that waits for room when the receiver is empty and connected. */
void pl011_offer_room(AxPl011 *uart);

extern const AxRangeOps pl011_ops;

#endif
