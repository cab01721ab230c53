/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serial port of a board, whichever model it is.
 */
#ifndef AXVMM_MACHINE_SERIAL_H
#define AXVMM_MACHINE_SERIAL_H

#include <axvmm/devices.h>

typedef enum SerialModel { SERIAL_16550A = 0, SERIAL_PL011 = 1 } SerialModel;

/* What a board has. */
struct serial_place {
	SerialModel model;
	AxSpace space; /* SERIAL_PL011: AX_SPACE_MMIO */
	uint64_t base;
	const char *name;
};

/* One of both, or none yet. */
struct serial {
	AxUart *uart;
	AxPl011 *pl011;
};

/* Make it. 0; as ax_uart_new(). */
int serial_new(struct serial *serial, const struct serial_place *place, AxCharSink output,
	       void (*room)(void *opaque), void *room_opaque, AxError *err);
/* As ax_uart_attach(). */
int serial_attach(struct serial *serial, const struct serial_place *place, AxVm *vm,
		  const AxIrq *irq, AxError *err);
/* Of one that may not have been made, or attached; nothing runs. */
void serial_detach(struct serial *serial);
void serial_free(struct serial *serial);

/* As ax_uart_input(), ax_uart_input_room() and ax_uart_input_break(). */
size_t serial_input(struct serial *serial, const void *bytes, size_t len);
size_t serial_input_room(struct serial *serial);
bool serial_input_break(struct serial *serial);

#endif
