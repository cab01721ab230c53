/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios and their guests.
 */
#include <string.h>

#include "tests/bench/scenario.h"

/* Ranges lie where devices do, side by side: ports above the PC's own, a page each below 4 GiB. */
#define PORT_BASE   0x400u
#define PORT_LENGTH 0x8u
#define MMIO_BASE   0xd0000000u
#define MMIO_LENGTH 0x1000u
#define COM1	    0x3f8u

/* What an exit may cost: one range, any number of them, a UART that is polled. */
#define ONE_MOST    65
#define MANY_MOST   80
#define TRACED_MOST 112
#define UART_MOST   130

const struct scenario scenarios[] = {
	/* name, program, space, is_write, ranges, accessed, apart, offset, most */
	{ "bare C loop, port write", PROGRAM_BARE, SPACE_PORT, 1, 1, 1, 1, 0, 0 },
	{ "bare C loop, port read", PROGRAM_BARE, SPACE_PORT, 0, 1, 1, 1, 0, 0 },
	{ "bare C loop, MMIO write", PROGRAM_BARE, SPACE_MMIO, 1, 1, 1, 1, 0, 0 },
	{ "bare C loop, MMIO read", PROGRAM_BARE, SPACE_MMIO, 0, 1, 1, 1, 0, 0 },
	{ "port write, 1 range", PROGRAM_LIBRARY, SPACE_PORT, 1, 1, 1, 1, 0, ONE_MOST },
	{ "port read, 1 range", PROGRAM_LIBRARY, SPACE_PORT, 0, 1, 1, 1, 0, ONE_MOST },
	{ "MMIO write, 1 range", PROGRAM_LIBRARY, SPACE_MMIO, 1, 1, 1, 1, 0, ONE_MOST },
	{ "MMIO read, 1 range", PROGRAM_LIBRARY, SPACE_MMIO, 0, 1, 1, 1, 0, ONE_MOST },
	{ "port write, 1 of 1000", PROGRAM_LIBRARY, SPACE_PORT, 1, 1000, 1, 1, 0, MANY_MOST },
	{ "port read, 1 of 1000", PROGRAM_LIBRARY, SPACE_PORT, 0, 1000, 1, 1, 0, MANY_MOST },
	{ "MMIO write, 1 of 1000", PROGRAM_LIBRARY, SPACE_MMIO, 1, 1000, 1, 1, 0, MANY_MOST },
	{ "MMIO read, 1 of 1000", PROGRAM_LIBRARY, SPACE_MMIO, 0, 1000, 1, 1, 0, MANY_MOST },
	{ "port write, 2 of 1000 in turn", PROGRAM_LIBRARY, SPACE_PORT, 1, 1000, 2, 401, 0,
	  MANY_MOST },
	{ "MMIO write, 2 of 1000 in turn", PROGRAM_LIBRARY, SPACE_MMIO, 1, 1000, 2, 401, 0,
	  MANY_MOST },
	{ "port write, 2 of 1000, 16 apart", PROGRAM_LIBRARY, SPACE_PORT, 1, 1000, 2, 16, 0,
	  MANY_MOST },
	{ "MMIO write, 2 of 1000, 16 apart", PROGRAM_LIBRARY, SPACE_MMIO, 1, 1000, 2, 16, 0,
	  MANY_MOST },
	{ "port write, 64 of 1000 in turn", PROGRAM_LIBRARY, SPACE_PORT, 1, 1000, 64, 15, 0,
	  MANY_MOST },
	{ "MMIO write, 64 of 1000 in turn", PROGRAM_LIBRARY, SPACE_MMIO, 1, 1000, 64, 15, 0,
	  MANY_MOST },
	{ "port write, 1000 of 1000 in turn", PROGRAM_LIBRARY, SPACE_PORT, 1, 1000, 1000, 1, 0, 0 },
	{ "MMIO write, 1000 of 1000 in turn", PROGRAM_LIBRARY, SPACE_MMIO, 1, 1000, 1000, 1, 0, 0 },
	{ "traced port write, 1 range", PROGRAM_TRACED, SPACE_PORT, 1, 1, 1, 1, 0, TRACED_MOST },
	{ "traced port read, 1 range", PROGRAM_TRACED, SPACE_PORT, 0, 1, 1, 1, 0, TRACED_MOST },
	{ "traced MMIO write, 1 range", PROGRAM_TRACED, SPACE_MMIO, 1, 1, 1, 1, 0, TRACED_MOST },
	{ "traced MMIO read, 1 range", PROGRAM_TRACED, SPACE_MMIO, 0, 1, 1, 1, 0, TRACED_MOST },
	{ "UART line status, 1 range", PROGRAM_UART, SPACE_PORT, 0, 1, 1, 1, 5, UART_MOST },
	{ "UART line status, 1 of 1000", PROGRAM_UART, SPACE_PORT, 0, 1000, 1, 1, 5, UART_MOST },
	{ "UART transmit, 1 of 1000", PROGRAM_UART, SPACE_PORT, 1, 1000, 1, 1, 0, 0 },
};

const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

uint64_t scenario_base(const struct scenario *scenario, unsigned index)
{
	if (scenario->program == PROGRAM_UART)
		return index ? PORT_BASE + (index - 1) * PORT_LENGTH : COM1;
	if (scenario->space == SPACE_PORT)
		return PORT_BASE + index * PORT_LENGTH;
	return MMIO_BASE + (uint64_t)index * MMIO_LENGTH;
}

static uint8_t *put32(uint8_t *code, uint32_t value)
{
	memcpy(code, &value, sizeof(value));
	return code + sizeof(value);
}

/* SDM volume 2: MOV r32, imm32; IN and OUT with DX; MOV between EAX and an absolute address. */
static uint8_t *put_access(const struct scenario *scenario, uint8_t *code, uint32_t addr)
{
	if (scenario->space == SPACE_PORT) {
		*code++ = 0xba; /* mov $addr, %edx */
		code = put32(code, addr);
		*code++ = scenario->is_write ? 0xee : 0xec; /* out %al, %dx; in %dx, %al */
		return code;
	}
	*code++ = scenario->is_write ? 0xa3 : 0xa1; /* mov %eax, addr; mov addr, %eax */
	return put32(code, addr);
}

void scenario_guest(const struct scenario *scenario, uint8_t *ram)
{
	uint8_t *start = ram + SCENARIO_ENTRY, *code = start;

	for (unsigned i = 0; i < scenario->accessed && i < MOST_ACCESSED; i++)
		code = put_access(scenario, code,
				  (uint32_t)scenario_base(scenario, i * scenario->apart) +
					  scenario->offset);
	*code++ = 0xe9; /* jmp start */
	(void)put32(code, (uint32_t)(start - (code + 4)));
}
