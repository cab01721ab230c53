/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serial port of a board, whichever model it is.
 */
#include "machine/serial.h"

int serial_new(struct serial *serial, const struct serial_place *place, AxCharSink output,
	       void (*room)(void *opaque), void *room_opaque, AxError *err)
{
	AxUartConfig uart = AX_UART_CONFIG_INIT;
	AxPl011Config pl011 = AX_PL011_CONFIG_INIT;

	if (place->model == SERIAL_PL011) {
		pl011.name = place->name;
		pl011.output = output;
		pl011.room = room;
		pl011.room_opaque = room_opaque;
		return ax_pl011_new(&pl011, &serial->pl011, err);
	}
	uart.name = place->name;
	uart.output = output;
	uart.room = room;
	uart.room_opaque = room_opaque;
	return ax_uart_new(&uart, &serial->uart, err);
}

int serial_attach(struct serial *serial, const struct serial_place *place, AxVm *vm,
		  const AxIrq *irq, AxError *err)
{
	if (serial->pl011)
		return ax_pl011_attach(serial->pl011, vm, place->base, irq, err);
	return ax_uart_attach(serial->uart, vm, place->space, place->base, irq, err);
}

void serial_detach(struct serial *serial)
{
	if (serial->pl011)
		ax_pl011_detach(serial->pl011, NULL);
	if (serial->uart)
		ax_uart_detach(serial->uart, NULL);
}

void serial_free(struct serial *serial)
{
	ax_pl011_free(serial->pl011);
	ax_uart_free(serial->uart);
}

size_t serial_input(struct serial *serial, const void *bytes, size_t len)
{
	return serial->pl011 ? ax_pl011_input(serial->pl011, bytes, len)
			     : ax_uart_input(serial->uart, bytes, len);
}

size_t serial_input_room(struct serial *serial)
{
	return serial->pl011 ? ax_pl011_input_room(serial->pl011)
			     : ax_uart_input_room(serial->uart);
}

bool serial_input_break(struct serial *serial)
{
	return serial->pl011 ? ax_pl011_input_break(serial->pl011)
			     : ax_uart_input_break(serial->uart);
}
