/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages, routes and pulses of the fake VM; see dev_fake_msi.h.
 */
#include "tests/unit/dev_fake_msi.h"

struct fake_messages fake_messages;

int ax_msi_send(AxVm *vm, const AxMsi *msi, AxError *err)
{
	ck_assert_ptr_nonnull(vm);
	ck_assert_uint_lt(fake_messages.sent_count, FAKE_MSIS);
	fake_messages.sent[fake_messages.sent_count++] = *msi;
	return 0;
}

int ax_irq_route(AxVm *vm, uint32_t gsi, const AxMsi *msi, AxError *err)
{
	ck_assert_ptr_nonnull(vm);
	ck_assert_uint_lt(gsi, FAKE_ROUTES);
	fake_messages.route_calls++;
	fake_messages.routed[gsi] = msi != NULL;
	if (msi)
		fake_messages.routes[gsi] = *msi;
	return 0;
}

void ax_irq_pulse(const AxIrq *irq)
{
	if (irq->pulse) {
		irq->pulse(irq->opaque, irq->line);
		return;
	}
	ax_irq_set(irq, true);
	ax_irq_set(irq, false);
}
