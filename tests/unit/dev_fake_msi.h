/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What device tests see of messages and routes in place of KVM's: beside dev_fake.h.
 */
#ifndef AXVMM_TESTS_UNIT_DEV_FAKE_MSI_H
#define AXVMM_TESTS_UNIT_DEV_FAKE_MSI_H

#include <axvmm/irq.h>

#include "tests/unit/dev_fake.h"

#define FAKE_MSIS   64
#define FAKE_ROUTES 24

struct fake_messages {
	unsigned sent_count;
	AxMsi sent[FAKE_MSIS];
	bool routed[FAKE_ROUTES];
	AxMsi routes[FAKE_ROUTES];
	unsigned route_calls;
};

/* Of all VMs of the test; a test begins with all of it zero. */
extern struct fake_messages fake_messages;

#endif
