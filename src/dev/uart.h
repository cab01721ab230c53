/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the UART: its registers, and what uart.c (the object, the host's side) and uart_regs.c
 * (the guest's side) call of each other. Everything here runs with the UART's lock held.
 *
 * Source of all bits: PC16550D data sheet, National Semiconductor, June 1995, section 8 and table II.
 */
#ifndef AXVMM_DEV_UART_H
#define AXVMM_DEV_UART_H

#include "dev/dev.h"

#define UART_REGISTERS 8
#define UART_FIFO_SIZE 16

/* Register offsets; what stands after a comma is there while LCR's divisor latch bit is set. */
enum uart_register {
	UART_RBR_THR = 0, /* R: RBR, W: THR, DLL */
	UART_IER = 1,	  /* DLM */
	UART_IIR_FCR = 2, /* R: IIR, W: FCR */
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_MSR = 6,
	UART_SCR = 7,
};

#define UART_IER_RECEIVED 0x01
#define UART_IER_THRE	  0x02
#define UART_IER_LINE	  0x04
#define UART_IER_MODEM	  0x08
#define UART_IER_BITS	  0x0f

/* IIR bits 0 to 3, highest priority first. */
#define UART_IIR_LINE	  0x06
#define UART_IIR_RECEIVED 0x04
#define UART_IIR_TIMEOUT  0x0c
#define UART_IIR_THRE	  0x02
#define UART_IIR_MODEM	  0x00
#define UART_IIR_NONE	  0x01
#define UART_IIR_FIFOS	  0xc0

#define UART_FCR_ENABLE	  0x01
#define UART_FCR_CLEAR_RX 0x02
#define UART_FCR_CLEAR_TX 0x04
#define UART_FCR_TRIGGER  0xc0
#define UART_FCR_KEPT	  (UART_FCR_ENABLE | UART_FCR_TRIGGER)
#define UART_LCR_DLAB	  0x80

#define UART_MCR_DTR  0x01
#define UART_MCR_RTS  0x02
#define UART_MCR_OUT1 0x04
#define UART_MCR_OUT2 0x08
#define UART_MCR_LOOP 0x10
#define UART_MCR_BITS 0x1f

#define UART_LSR_DATA	    0x01
#define UART_LSR_OVERRUN    0x02
#define UART_LSR_PARITY	    0x04
#define UART_LSR_FRAMING    0x08
#define UART_LSR_BREAK	    0x10
#define UART_LSR_THRE	    0x20
#define UART_LSR_TEMT	    0x40
#define UART_LSR_FIFO_ERROR 0x80
/* Errors that belong to a received byte. */
#define UART_LSR_OF_BYTE (UART_LSR_PARITY | UART_LSR_FRAMING | UART_LSR_BREAK)
#define UART_LSR_ERRORS	 (UART_LSR_OVERRUN | UART_LSR_OF_BYTE)

#define UART_MSR_DELTA_CTS   0x01
#define UART_MSR_DELTA_DSR   0x02
#define UART_MSR_TRAILING_RI 0x04
#define UART_MSR_DELTA_DCD   0x08
#define UART_MSR_DELTAS	     0x0f
#define UART_MSR_LINES	     0xf0

/* What the guest can see, and nothing else: this is what is saved. */
struct uart_regs {
	uint8_t ier;
	uint8_t fcr; /* bits of UART_FCR_KEPT; 0 while the FIFOs are off */
	uint8_t lcr;
	uint8_t mcr;
	uint8_t scr;
	uint8_t dll;
	uint8_t dlm;
	uint8_t errors; /* UART_LSR_ERRORS seen at the top of the receiver, until LSR is read */
	uint8_t deltas; /* MSR bits 0 to 3 */
	uint8_t lines;	/* MSR bits 4 to 7 */
	bool thre;	/* the THRE interrupt is pending, whether enabled or not */
	uint8_t burst;	/* THR writes since the last access that was none, at most UART_FIFO_SIZE */
	uint8_t count;	/* bytes in the receiver */
	uint8_t flagged; /* of these, the ones below the top that have errors */
	uint8_t top;	 /* index of the byte that RBR reads */
	uint8_t data[UART_FIFO_SIZE];
	uint8_t status
		[UART_FIFO_SIZE]; /* UART_LSR_OF_BYTE of each; 0 at the top: moved to errors */
};

struct AxUart {
	struct uart_regs regs;
	struct ax_dev_link link;
	AxUartConfig config;
	AxLock *lock;
	AxIrq irq;
	bool irq_level;	    /* what irq was set to last */
	bool starved;	    /* the host found no room and waits for config.room */
	uint8_t host_lines; /* modem inputs from outside */
};

/* Power-on values of everything but the modem inputs. */
void uart_power_on(AxUart *uart);

/* Bytes that the receiver takes with its FIFOs as they are now: 16 or 1. */
unsigned uart_capacity(const struct uart_regs *regs);

/* A byte arrives with the errors @status (UART_LSR_OF_BYTE). Without room: overrun. */
void uart_receive(struct uart_regs *regs, uint8_t byte, uint8_t status);

/* Take the modem inputs from where they come now (outside or, in loopback, MCR); note what changed. */
void uart_update_lines(AxUart *uart);

/* Drive the interrupt line to where the registers say it belongs. */
void uart_update_irq(AxUart *uart);

/* Tell a host that waits for room when the receiver is empty and connected. */
void uart_offer_room(AxUart *uart);

extern const AxRangeOps uart_ops;

#endif
