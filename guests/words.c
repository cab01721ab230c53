/* SPDX-License-Identifier: Apache-2.0 */
/* What the words of guests.list are for a machine. */
#include "guests/words.h"

#include <string.h>

uint32_t embedded_guest_mode(const char *word)
{
	if (!strcmp(word, "real"))
		return AX_MODE_REAL;
	if (!strcmp(word, "protected"))
		return AX_MODE_PROTECTED;
	if (!strcmp(word, "long"))
		return AX_MODE_LONG;
	return AX_MODE_NATIVE;
}

uint32_t embedded_guest_irqchip(const char *word)
{
	if (!strcmp(word, "user"))
		return AX_IRQCHIP_USER;
	if (!strcmp(word, "kernel"))
		return AX_IRQCHIP_KERNEL;
	if (!strcmp(word, "split"))
		return AX_IRQCHIP_SPLIT;
	return AX_IRQCHIP_NONE;
}

uint32_t embedded_guest_power(const struct embedded_guest *guest)
{
	if (embedded_guest_needs(guest, "power-user"))
		return AX_POWER_USER;
	if (embedded_guest_needs(guest, "power-kernel"))
		return AX_POWER_KERNEL;
	return AX_POWER_AUTO;
}

uint32_t embedded_guest_features(const struct embedded_guest *guest)
{
	static const struct {
		const char *need;
		uint32_t feature;
	} table[] = {
		{ "user-msr", AX_MACHINE_TEST_SYS_REGS },
		{ "zkr", AX_MACHINE_TEST_SYS_REGS },
		{ "aia", AX_MACHINE_TEST_SYS_REGS },
		{ "readonly-slot", AX_MACHINE_TEST_READONLY },
		{ "xen-hypercall", AX_MACHINE_TEST_HYPERCALL_TRAP },
		{ "smccc-trap", AX_MACHINE_TEST_HYPERCALL_TRAP },
		{ "sbi-trap", AX_MACHINE_TEST_HYPERCALL_TRAP },
		{ "dbcn", AX_MACHINE_SBI_CONSOLE },
		{ "exit-hypercall", AX_MACHINE_TEST_HYPERCALL_MAP },
		{ "bad-entry", AX_MACHINE_TEST_BAD_ENTRY },
		{ "no-cpuid", AX_MACHINE_NO_CPUID },
	};
	uint32_t features = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (embedded_guest_needs(guest, table[i].need))
			features |= table[i].feature;
	}
	return features;
}
