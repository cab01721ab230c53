/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees: what guests look for in them, read back with libfdt and with dtc, and what a boot adds.
 */
#include <check.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/fdt.h"
#include "tests/temporary.h"
#include "tests/unit/boot_builder.h"

#define BUFFER 0x100000

static const AxRamRange arm64_ram = { 0x40000000, 128 * MIB };
static const AxRamRange riscv64_ram[] = { { 0x80000000, 0x80000000 }, { 0x100000000, 1 } };

static uint64_t buffer[BUFFER / 8];
static uint64_t other[BUFFER / 8];

static struct tree_desc arm64_desc(uint32_t gic)
{
	return (struct tree_desc){
		.machine = AX_IMAGE_FOR_ARM64,
		.cpus = 2,
		.ram = &arm64_ram,
		.ram_count = 1,
		.uart_base = 0x09000000,
		.uart_irq = 1,
		.rtc_base = 0x09010000,
		.rtc_irq = 2,
		.test_base = 0x0b000000,
		.test_size = 0x2000,
		.virtio_base = 0x0a000000,
		.virtio_size = 0x200,
		.virtio_irq = 16,
		.virtio_count = 8,
		.arm64 = {
			.gic = gic,
			.gic_distributor = 0x08000000,
			.gic_cpu_interface = 0x08010000,
			.gic_redistributors = 0x080a0000,
			.psci_method = "hvc",
			.gpio_base = 0x09030000,
			.gpio_irq = 7,
			.power_pin = 3,
		},
	};
}

static struct tree_desc riscv64_desc(void)
{
	return (struct tree_desc){
		.machine = AX_IMAGE_FOR_RISCV64,
		.cpus = 2,
		.ram = riscv64_ram,
		.ram_count = 2,
		.uart_base = 0x10000000,
		.uart_irq = 10,
		.rtc_base = 0x101000,
		.rtc_irq = 11,
		.test_base = 0x1f000000,
		.test_size = 0x2000,
		.virtio_base = 0x10001000,
		.virtio_size = 0x1000,
		.virtio_irq = 1,
		.virtio_count = 8,
		.riscv64 = {
			.plic_base = 0x0c000000,
			.plic_sources = 95,
			.finisher_base = 0x100000,
			.timebase_frequency = 10000000,
			.isa = "rv64imafdc_zicntr_zicsr_zifencei",
		},
	};
}

static struct tree_desc aia_desc(void)
{
	struct tree_desc desc = riscv64_desc();

	desc.riscv64.plic_base = 0;
	desc.riscv64.aplic_base = 0x0d000000;
	desc.riscv64.aplic_sources = 96;
	desc.riscv64.imsic_base = 0x28000000;
	desc.riscv64.imsic_ids = 255;
	return desc;
}

static size_t build(const struct tree_desc *desc)
{
	AxError err = AX_ERROR_INIT;
	size_t used = 0;

	ck_assert_msg(!tree_build(desc, buffer, sizeof(buffer), &used, &err), "%s", err.message);
	ck_assert_int_eq(fdt_check_full(buffer, used), 0);
	return used;
}

/* A property that has to be there; *len bytes of it. */
static const uint8_t *property(const void *fdt, const char *path, const char *name, int *len)
{
	int node = fdt_path_offset(fdt, path);
	const void *value;

	ck_assert_msg(node >= 0, "%s: %s", path, fdt_strerror(node));
	value = fdt_getprop(fdt, node, name, len);
	ck_assert_msg(value, "%s has no %s", path, name);
	return value;
}

static bool has_node(const void *fdt, const char *path)
{
	return fdt_path_offset(fdt, path) >= 0;
}

/* The property is these cells. */
static void is_cells(const void *fdt, const char *path, const char *name, const uint32_t *cells,
		     unsigned count)
{
	int len;
	const uint8_t *value = property(fdt, path, name, &len);

	ck_assert_msg(len == (int)(4 * count), "%s of %s has %d bytes", name, path, len);
	for (unsigned i = 0; i < count; i++, value += 4) {
		uint32_t cell =
			(uint32_t)value[0] << 24 | value[1] << 16 | value[2] << 8 | value[3];

		ck_assert_msg(cell == cells[i], "cell %u of %s of %s is 0x%x", i, name, path, cell);
	}
}
#define IS_CELLS(fdt, path, name, ...)                               \
	is_cells(fdt, path, name, (const uint32_t[]){ __VA_ARGS__ }, \
		 sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

/* The property is this, with the zero byte. */
static void is_bytes(const void *fdt, const char *path, const char *name, const char *bytes,
		     size_t size)
{
	int len;
	const uint8_t *value = property(fdt, path, name, &len);

	ck_assert_msg((size_t)len == size && !memcmp(value, bytes, size), "%s of %s is %.*s", name,
		      path, len, (const char *)value);
}
#define IS_STRING(fdt, path, name, literal) is_bytes(fdt, path, name, literal, sizeof(literal))

static void dtc_has_nothing_to_say(const void *fdt, size_t size)
{
	char name[TEMPORARY_SIZE];
	char command[160], said[512];
	int file = temporary_file(name, "fdt");
	FILE *pipe;
	size_t len;

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, fdt, size), (ssize_t)size);
	close(file);
	/* riscv,cpu-intc.yaml gives a hart's controller no #address-cells */
	snprintf(command, sizeof(command),
		 "dtc -W no-interrupt_provider -I dtb -O dts -o /dev/null %s 2>&1", name);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	len = fread(said, 1, sizeof(said) - 1, pipe);
	said[len] = '\0';
	pclose(pipe);
	unlink(name);
	ck_assert_str_eq(said, "");
}

START_TEST(arm64_with_a_gicv3)
{
	struct tree_desc desc = arm64_desc(3);

	build(&desc);
	IS_STRING(buffer, "/", "compatible", "linux,dummy-virt");
	IS_CELLS(buffer, "/", "#address-cells", 2);
	IS_CELLS(buffer, "/", "interrupt-parent", 1);
	IS_STRING(buffer, "/chosen", "stdout-path", "/pl011@9000000");
	IS_STRING(buffer, "/aliases", "serial0", "/pl011@9000000");
	IS_STRING(buffer, "/memory@40000000", "device_type", "memory");
	IS_CELLS(buffer, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x8000000);
	IS_CELLS(buffer, "/cpus/cpu@1", "reg", 1);
	IS_STRING(buffer, "/cpus/cpu@1", "enable-method", "psci");
	IS_STRING(buffer, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
	IS_STRING(buffer, "/psci", "method", "hvc");
	IS_STRING(buffer, "/intc@8000000", "compatible", "arm,gic-v3");
	IS_CELLS(buffer, "/intc@8000000", "phandle", 1);
	IS_CELLS(buffer, "/intc@8000000", "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0,
		 0x40000);
	IS_CELLS(buffer, "/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
	IS_STRING(buffer, "/pl011@9000000", "compatible", "arm,pl011\0arm,primecell");
	IS_CELLS(buffer, "/pl011@9000000", "reg", 0, 0x09000000, 0, 0x1000);
	IS_CELLS(buffer, "/pl011@9000000", "interrupts", 0, 1, 4);
	IS_STRING(buffer, "/pl011@9000000", "clock-names", "uartclk\0apb_pclk");
	IS_STRING(buffer, "/pl031@9010000", "compatible", "arm,pl031\0arm,primecell");
	IS_CELLS(buffer, "/pl031@9010000", "interrupts", 0, 2, 4);
	IS_CELLS(buffer, "/pl061@9030000", "interrupts", 0, 7, 4);
	IS_CELLS(buffer, "/pl061@9030000", "#gpio-cells", 2);
	IS_STRING(buffer, "/gpio-keys", "compatible", "gpio-keys");
	IS_CELLS(buffer, "/gpio-keys/key-power", "linux,code", 116);
	IS_CELLS(buffer, "/gpio-keys/key-power", "gpios", 5, 3, 0);
	IS_CELLS(buffer, "/pl061@9030000", "phandle", 5);
	IS_CELLS(buffer, "/virtio_mmio@a000e00", "interrupts", 0, 23, 1);
	IS_CELLS(buffer, "/test-device@b000000", "reg", 0, 0x0b000000, 0, 0x2000);
}
END_TEST

START_TEST(arm64_with_a_gicv2_tells_which_cpus)
{
	struct tree_desc desc = arm64_desc(2);

	build(&desc);
	IS_STRING(buffer, "/intc@8000000", "compatible", "arm,cortex-a15-gic");
	IS_CELLS(buffer, "/intc@8000000", "reg", 0, 0x08000000, 0, 0x10000, 0, 0x08010000, 0,
		 0x10000);
	IS_CELLS(buffer, "/timer", "interrupts", 1, 13, 0x304, 1, 14, 0x304, 1, 11, 0x304, 1, 10,
		 0x304);
}
END_TEST

START_TEST(arm64_without_a_gic_has_no_interrupts)
{
	struct tree_desc desc = arm64_desc(0);

	desc.arm64.psci_method = NULL;
	build(&desc);
	ck_assert(!has_node(buffer, "/intc@8000000"));
	ck_assert(!has_node(buffer, "/timer"));
	ck_assert(!has_node(buffer, "/psci"));
	ck_assert(!has_node(buffer, "/virtio_mmio@a000000"));
	ck_assert(!has_node(buffer, "/gpio-keys"));
	ck_assert_ptr_null(
		fdt_getprop(buffer, fdt_path_offset(buffer, "/pl031@9010000"), "interrupts", NULL));
	ck_assert_ptr_null(
		fdt_getprop(buffer, fdt_path_offset(buffer, "/pl011@9000000"), "interrupts", NULL));
	ck_assert_ptr_null(
		fdt_getprop(buffer, fdt_path_offset(buffer, "/cpus/cpu@0"), "enable-method", NULL));
}
END_TEST

START_TEST(arm64_cpus_are_named_by_affinity)
{
	struct tree_desc desc = arm64_desc(3);

	desc.cpus = 18;
	build(&desc);
	IS_CELLS(buffer, "/cpus/cpu@f", "reg", 0xf);
	IS_CELLS(buffer, "/cpus/cpu@101", "reg", 0x101);
	ck_assert(!has_node(buffer, "/cpus/cpu@10"));
}
END_TEST

START_TEST(riscv64_with_a_plic)
{
	struct tree_desc desc = riscv64_desc();

	build(&desc);
	IS_STRING(buffer, "/", "compatible", "riscv-virtio");
	IS_STRING(buffer, "/chosen", "stdout-path", "/soc/serial@10000000");
	IS_CELLS(buffer, "/memory@80000000", "reg", 0, 0x80000000, 0, 0x80000000);
	IS_CELLS(buffer, "/memory@100000000", "reg", 1, 0, 0, 1);
	IS_CELLS(buffer, "/cpus", "timebase-frequency", 10000000);
	IS_STRING(buffer, "/cpus/cpu@0", "riscv,isa", "rv64imafdc_zicntr_zicsr_zifencei");
	IS_STRING(buffer, "/cpus/cpu@0", "riscv,isa-extensions",
		  "i\0m\0a\0f\0d\0c\0zicntr\0zicsr\0zifencei");
	IS_CELLS(buffer, "/cpus/cpu@1/interrupt-controller", "phandle", 17);
	IS_STRING(buffer, "/soc/plic@c000000", "compatible", "sifive,plic-1.0.0\0riscv,plic0");
	IS_CELLS(buffer, "/soc/plic@c000000", "reg", 0, 0x0c000000, 0, 0x204000);
	IS_CELLS(buffer, "/soc/plic@c000000", "riscv,ndev", 95);
	IS_CELLS(buffer, "/soc/plic@c000000", "interrupts-extended", 16, UINT32_MAX, 16, 9, 17,
		 UINT32_MAX, 17, 9);
	IS_STRING(buffer, "/soc/serial@10000000", "compatible", "ns16550a");
	IS_CELLS(buffer, "/soc/serial@10000000", "reg", 0, 0x10000000, 0, 0x100);
	IS_CELLS(buffer, "/soc/serial@10000000", "interrupts", 10);
	IS_STRING(buffer, "/soc/rtc@101000", "compatible", "google,goldfish-rtc");
	IS_CELLS(buffer, "/soc/rtc@101000", "reg", 0, 0x101000, 0, 0x1000);
	IS_CELLS(buffer, "/soc/rtc@101000", "interrupts", 11);
	IS_CELLS(buffer, "/soc/virtio_mmio@10008000", "interrupts", 8);
	IS_CELLS(buffer, "/poweroff", "value", 0x5555);
	IS_CELLS(buffer, "/reboot", "value", 0x7777);
	IS_CELLS(buffer, "/reboot", "regmap", 3);
	IS_CELLS(buffer, "/soc/test@100000", "phandle", 3);
}
END_TEST

START_TEST(riscv64_with_aia)
{
	struct tree_desc desc = aia_desc();

	desc.riscv64.timebase_frequency = UINT64_C(0x100000002);
	build(&desc);
	ck_assert(!has_node(buffer, "/soc/plic@c000000"));
	IS_CELLS(buffer, "/cpus", "timebase-frequency", 1, 2);
	IS_CELLS(buffer, "/soc/imsics@28000000", "reg", 0, 0x28000000, 0, 0x2000);
	IS_CELLS(buffer, "/soc/imsics@28000000", "interrupts-extended", 16, 9, 17, 9);
	IS_CELLS(buffer, "/soc/imsics@28000000", "riscv,num-ids", 255);
	IS_CELLS(buffer, "/soc/aplic@d000000", "msi-parent", 4);
	IS_CELLS(buffer, "/soc/aplic@d000000", "riscv,num-sources", 96);
	IS_CELLS(buffer, "/soc/serial@10000000", "interrupts", 10, 4);
	IS_CELLS(buffer, "/soc/rtc@101000", "interrupts", 11, 4);
	IS_CELLS(buffer, "/soc/virtio_mmio@10001000", "interrupts", 1, 1);
	desc.virtio_is_level = true;
	build(&desc);
	IS_CELLS(buffer, "/soc/virtio_mmio@10001000", "interrupts", 1, 4);
}
END_TEST

START_TEST(riscv64_without_a_controller_has_no_interrupts)
{
	struct tree_desc desc = riscv64_desc();

	desc.riscv64.plic_base = 0;
	build(&desc);
	ck_assert_ptr_null(fdt_getprop(buffer, fdt_path_offset(buffer, "/soc/serial@10000000"),
				       "interrupts", NULL));
	ck_assert(!has_node(buffer, "/soc/virtio_mmio@10001000"));
}
END_TEST

START_TEST(letters_become_a_name)
{
	char isa[TREE_ISA_SIZE];

	tree_isa(1 << 8 | 1 << 12 | 1 << 0, isa);
	ck_assert_str_eq(isa, "rv64ima_zicntr_zicsr_zifencei");
	tree_isa(UINT64_MAX, isa);
	ck_assert_str_eq(isa, "rv64imafdqcbvh_zicntr_zicsr_zifencei");
}
END_TEST

START_TEST(dtc_accepts_every_kind)
{
	const struct tree_desc descs[] = { arm64_desc(3), arm64_desc(2), arm64_desc(0),
					   riscv64_desc(), aia_desc() };
	size_t used;

	if (system("dtc --version >/dev/null 2>&1")) {
		printf("SKIP: dtc is not installed (device-tree-compiler)\n");
		return;
	}
	for (size_t i = 0; i < sizeof(descs) / sizeof(descs[0]); i++) {
		used = build(&descs[i]);
		dtc_has_nothing_to_say(buffer, used);
	}
}
END_TEST

START_TEST(the_limit_of_size_is_one)
{
	for (uint32_t cpus = 1; cpus <= TREE_CPUS_MAX; cpus += 127) {
		struct tree_desc descs[] = { arm64_desc(3), aia_desc(), riscv64_desc() };

		for (size_t i = 0; i < 3; i++) {
			descs[i].cpus = cpus;
			descs[i].virtio_count = 32;
			ck_assert_uint_le(build(&descs[i]), tree_size_limit(cpus, 32));
		}
	}
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	struct tree_desc desc = riscv64_desc();
	AxError err = AX_ERROR_INIT;
	size_t used = build(&desc);

	for (size_t size = 0; size < used; size += size < 64 ? 1 : 13)
		ck_assert_int_eq(tree_build(&desc, other, size, &used, &err), -ENOSPC);
	ck_assert_str_eq(err.message, "the device tree does not fit into its buffer");
	desc.cpus = 0;
	ck_assert_int_eq(tree_build(&desc, other, BUFFER, &used, &err), -EINVAL);
	desc.cpus = 256;
	ck_assert_int_eq(tree_build(&desc, other, BUFFER, &used, &err), -EINVAL);
	ck_assert_str_eq(err.message, "a device tree has 1 to 255 CPUs, not 256");
	desc.cpus = 1;
	desc.machine = AX_IMAGE_FOR_X86_64;
	ck_assert_int_eq(tree_build(&desc, other, BUFFER, &used, &err), -EINVAL);
}
END_TEST

START_TEST(a_boot_adds_what_it_has)
{
	struct tree_desc desc = arm64_desc(3);
	const struct tree_chosen chosen = { "console=ttyAMA0 quiet", 0x48000000, 0x48012345 };
	const struct tree_chosen nothing = { NULL, 0, 0 };
	size_t size = build(&desc), used;

	ck_assert_int_eq(
		tree_complete(buffer, size, &chosen, other, size + TREE_CHOSEN_ROOM, &used, NULL),
		0);
	ck_assert_int_eq(fdt_check_full(other, used), 0);
	IS_STRING(other, "/chosen", "bootargs", "console=ttyAMA0 quiet");
	IS_STRING(other, "/chosen", "stdout-path", "/pl011@9000000");
	IS_CELLS(other, "/chosen", "linux,initrd-start", 0, 0x48000000);
	IS_CELLS(other, "/chosen", "linux,initrd-end", 0, 0x48012345);
	/* again, over what is there */
	ck_assert_int_eq(tree_complete(other, used, &nothing, buffer, BUFFER, &size, NULL), 0);
	IS_STRING(buffer, "/chosen", "bootargs", "console=ttyAMA0 quiet");
	ck_assert_uint_eq(size, used);
}
END_TEST

START_TEST(a_tree_without_chosen_gets_one)
{
	const struct tree_chosen chosen = { "x", 0, 0 };
	size_t used;

	ck_assert_int_eq(fdt_create_empty_tree(buffer, BUFFER), 0);
	ck_assert_int_eq(fdt_pack(buffer), 0);
	ck_assert_int_eq(
		tree_complete(buffer, fdt_totalsize(buffer), &chosen, other, BUFFER, &used, NULL),
		0);
	IS_STRING(other, "/chosen", "bootargs", "x");
	ck_assert_int_eq(fdt_getprop(other, fdt_path_offset(other, "/chosen"), "linux,initrd-start",
				     NULL) != NULL,
			 0);
}
END_TEST

START_TEST(damaged_trees_are_refused_or_survived)
{
	struct tree_desc desc = riscv64_desc();
	const struct tree_chosen chosen = { "console=ttyS0", 0x80000000, 0x80001000 };
	AxError err = AX_ERROR_INIT;
	size_t size = build(&desc), used;
	uint8_t *copy = malloc(size);

	for (size_t len = 0; len < size; len++)
		ck_assert_int_eq(tree_complete(buffer, len, &chosen, other, BUFFER, &used, &err),
				 -EINVAL);
	for (size_t at = 0; at < size; at++) {
		int ret;

		memcpy(copy, buffer, size);
		copy[at] ^= (uint8_t)(1 << at % 8);
		ret = tree_complete(copy, size, &chosen, other, size + TREE_CHOSEN_ROOM, &used,
				    &err);
		ck_assert(ret == 0 || ret == -EINVAL);
		ck_assert(ret || !fdt_check_full(other, used));
	}
	free(copy);
	ck_assert_int_eq(tree_complete(buffer, size, &chosen, other, size, &used, &err), -ENOSPC);
	ck_assert_int_eq(tree_complete(buffer, (size_t)1 << 32, &chosen, other, size, &used, &err),
			 -EINVAL);
}
END_TEST

RUN_TESTS("device trees", arm64_with_a_gicv3, arm64_with_a_gicv2_tells_which_cpus,
	  arm64_without_a_gic_has_no_interrupts, arm64_cpus_are_named_by_affinity,
	  riscv64_with_a_plic, riscv64_with_aia, riscv64_without_a_controller_has_no_interrupts,
	  letters_become_a_name, dtc_accepts_every_kind, the_limit_of_size_is_one,
	  what_does_not_fit_is_refused, a_boot_adds_what_it_has, a_tree_without_chosen_gets_one,
	  damaged_trees_are_refused_or_survived)
