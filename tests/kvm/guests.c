/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every embedded guest, run exactly as its row of guests.list says, ends as the row says.
 */
#include "guest_run.h"

#include <string.h>

#include "guests/abi.h"

static unsigned guest_count(void)
{
	unsigned count = 0;

	while (embedded_guests[count].name)
		count++;
	return count;
}

START_TEST(guest_ends_as_its_row_says)
{
	guest_check(&embedded_guests[_i], NULL);
}
END_TEST

/* Guests whose rows stand for more than one machine. */
static const struct {
	const char *name;
	struct guest_variant variant;
} variants[] = {
	{ "smp-sipi", { .cpus = 2 } },
	{ "smp-sipi", { .cpus = 8 } },
	{ "smp-kernel", { .cpus = 2 } },
	{ "smp-kernel", { .cpus = 8 } },
	{ "ipi-pingpong", { .irqchip = "kernel" } },
	{ "hello-long", { .irqchip = "user" } },
	{ "hello-long", { .irqchip = "kernel" } },
	{ "mmio-widths", { .irqchip = "kernel" } },
	{ "kick-spin", { .irqchip = "kernel" } },
	{ "kick-spin", { .irqchip = "user" } },
	{ "smp", { .cpus = 2 } },
	{ "smp", { .cpus = 8 } },
	{ "hello", { .irqchip = "kernel" } },
	{ "virtio-rng", { .irqchip = "user" } },
	{ "virtio-rng", { .irqchip = "kernel" } },
	{ "virtio-rng", { .irqchip = "split" } },
	{ "ioapic", { .irqchip = "kernel" } },
};

/* Only x86-64 has an irqchip in userspace that guests could choose. */
static bool is_foreign(const char *irqchip)
{
	if (!irqchip || strcmp(irqchip, "user") != 0)
		return false;
	for (unsigned i = 0; embedded_guests[i].name; i++) {
		if (!strcmp(embedded_guests[i].irqchip, irqchip))
			return false;
	}
	return true;
}

START_TEST(guest_ends_well_on_another_machine)
{
	/* An architecture has the guests that it has. */
	const struct embedded_guest *guest = embedded_guest_find(variants[_i].name);

	if (guest && !is_foreign(variants[_i].variant.irqchip))
		guest_check(guest, &variants[_i].variant);
}
END_TEST

/* The host's own figures of a guest are the guest's: what it printed arrived whole. */
START_TEST(output_of_a_guest_arrives_whole)
{
	const struct embedded_guest *flood = guest_named("flood");
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	uint64_t kib;

	ck_assert_uint_ge(flood->size, AX_GUEST_FLOOD_KIB + sizeof(kib));
	memcpy(&kib, &flood->image[AX_GUEST_FLOOD_KIB], sizeof(kib));
	ck_ok(guest_open(&run, flood, NULL, &err), err);
	ck_ok(guest_go(&run, &err), err);
	ck_assert_uint_eq(run.output_len, kib << 10);
	guest_close(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guests");
	TCase *rows = kvm_case(suite, "rows of guests.list");
	TCase *others = kvm_case(suite, "variants");

	tcase_add_loop_test(rows, guest_ends_as_its_row_says, 0, (int)guest_count());
	tcase_add_loop_test(others, guest_ends_well_on_another_machine, 0,
			    (int)(sizeof(variants) / sizeof(variants[0])));
	tcase_add_test(others, output_of_a_guest_arrives_whole);
	return kvm_main(suite);
}
