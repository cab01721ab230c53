/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt commands of the x86 local APIC, from register bits to exits; see sipi.h.
 */
#include <config.h>

#include "core/sipi.h"

static void decode_targets(uint32_t low, uint32_t high, AxExitSendIpi *targets)
{
	*targets = (AxExitSendIpi){ .target_cpu = ICR_DESTINATION(high) };
	switch (ICR_SHORTHAND(low)) {
	case ICR_SELF: targets->send_to_self = true; return;
	case ICR_ALL:
		targets->send_to_all = true;
		targets->send_to_self = true;
		return;
	case ICR_OTHERS: targets->send_to_all = true; return;
	default: break;
	}
	/* All ones reach everybody, in both destination modes. */
	if (ICR_DESTINATION(high) == ICR_BROADCAST) {
		targets->send_to_all = true;
		targets->send_to_self = true;
		return;
	}
	targets->logical = (low & ICR_LOGICAL) != 0;
}

void sipi_decode(uint32_t low, uint32_t high, AxVCpuExitReason *exit, AxExitSendIpi *targets)
{
	uint32_t mode = ICR_MODE(low);

	decode_targets(low, high, targets);
	exit->kind = AX_EXIT_NOTHING;
	switch (mode) {
	case ICR_MODE_STARTUP:
		exit->kind = AX_EXIT_CPU_UP;
		exit->cpu_up = (AxExitCpuUp){ .target_cpu = targets->target_cpu,
					      .entry_point = (uint64_t)ICR_VECTOR(low) << 12 };
		return;
	case AX_IPI_INIT:
		/*
		 * "INIT level de-assert" only synchronises arbitration IDs, and not even that since
		 * the P6.
		 */
		if ((low & ICR_LEVEL) && !(low & ICR_ASSERT))
			return;
		break;
	case AX_IPI_FIXED:
	case AX_IPI_LOWEST:
		if (ICR_VECTOR(low) < 16)
			return;
		break;
	case AX_IPI_SMI:
	case AX_IPI_NMI: break;
	default: return;
	}
	exit->kind = AX_EXIT_SEND_IPI;
	exit->send_ipi = *targets;
	exit->send_ipi.mode = (uint8_t)mode;
	exit->send_ipi.vector = ICR_VECTOR(low);
}

bool sipi_logical_match(uint32_t destination, uint32_t ldr, uint32_t dfr)
{
	uint32_t id = ldr >> 24;

	if (dfr >> 28 == 0xf)
		return (destination & id) != 0;
	return destination >> 4 == id >> 4 && (destination & id & 0xf) != 0;
}
