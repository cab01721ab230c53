/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Good images, damaged in every way that a loop can think of: no access outside the bytes (they are
 * allocated to the byte, for valgrind and the sanitizers), and no plan that breaks a promise.
 */
#include <stdlib.h>

#include "tests/unit/boot_builder.h"

static const AxRamRange ram[] = { { 0, 0xa0000 },
				  { 0x100000, 0x300000 },
				  { 0x80000000, 0x100000 } };

/* Parse for each machine, with and without what a flat binary needs. Returns how often it took. */
static unsigned parse_all_ways(const uint8_t *bytes, size_t len)
{
	unsigned taken = 0;

	for (uint32_t machine = AX_IMAGE_FOR_X86_64; machine <= AX_IMAGE_FOR_RISCV64; machine++) {
		for (uint32_t given = 0; given <= (AX_HINT_MODE | AX_HINT_LOAD);
		     given += AX_HINT_MODE | AX_HINT_LOAD) {
			AxImageHints hints = AX_IMAGE_HINTS_INIT;
			AxImagePlan plan = AX_IMAGE_PLAN_INIT;
			AxError err = AX_ERROR_INIT;
			const char *breach;
			int ret;

			hints.given = given;
			hints.mode = machine == AX_IMAGE_FOR_X86_64 ? AX_MODE_LONG : AX_MODE_NATIVE;
			hints.load = 0x100000;
			hints.machine = machine;
			hints.ram = ram;
			hints.ram_count = 3;
			ret = ax_image_parse(bytes, len, &hints, &plan, &err);
			ck_assert(ret == 0 || ret == -ENOEXEC || ret == -EINVAL || ret == -ENOSPC);
			breach = ret ? NULL : check_plan(&plan, len, &hints);
			ck_assert_msg(!breach, "%s", breach);
			ck_assert(ret == 0 || strlen(err.message) > 0);
			taken += ret == 0;
		}
	}
	return taken;
}

static void build_image(struct built *file, int which)
{
	switch (which) {
	case 0: build_usual_elf64(file); break;
	case 1: build_usual_elf32(file); break;
	case 2: build_usual_multiboot(file); break;
	case 3:
		build_usual_elf32(file);
		build_multiboot(file, 0x100, 3, NULL);
		break;
	case 4: build_elf64(file, EM_AARCH64, 0x100010, usual_segments, 2); break;
	case 5: build_elf64(file, EM_RISCV, 0x100010, usual_segments, 2); break;
	case 6: build_linux(file, AX_IMAGE_FOR_ARM64, &usual_arm64); break;
	default: build_linux(file, AX_IMAGE_FOR_RISCV64, &usual_riscv64); break;
	}
}

#define IMAGES 8
/* No image has a header beyond this. */
#define HEADERS 0x140

START_TEST(cut_off_at_every_length)
{
	struct built file;

	build_image(&file, _i);
	ck_assert_uint_gt(parse_all_ways(file.bytes, file.len), 0);
	for (size_t len = 0; len < file.len; len++) {
		uint8_t *bytes = malloc(len + (len == 0));

		/* inside segments only the length matters */
		if (len > HEADERS && len % 64 > 1) {
			free(bytes);
			continue;
		}
		memcpy(bytes, file.bytes, len);
		parse_all_ways(bytes, len);
		free(bytes);
	}
}
END_TEST

START_TEST(every_header_byte_changed)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0xff };
	struct built file;
	uint8_t *bytes;

	build_image(&file, _i);
	bytes = malloc(file.len);
	memcpy(bytes, file.bytes, file.len);
	for (size_t at = 0; at < HEADERS; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[at] = file.bytes[at] ^ (uint8_t)(1 << bit);
			parse_all_ways(bytes, file.len);
		}
		for (size_t i = 0; i < sizeof(values); i++) {
			bytes[at] = values[i];
			parse_all_ways(bytes, file.len);
		}
		bytes[at] = file.bytes[at];
	}
	free(bytes);
}
END_TEST

START_TEST(random_words_in_the_headers)
{
	static const uint64_t words[] = { 0,
					  1,
					  0xfff,
					  0x1000,
					  0x100000,
					  0x3fffff,
					  0x400000,
					  0x7fffffff,
					  0x80000000,
					  0xfffff000,
					  0xffffffff,
					  0x100000000,
					  0x7fffffffffffffff,
					  UINT64_MAX - 0xfff,
					  UINT64_MAX };
	struct built file;
	uint8_t *bytes;

	srand((unsigned)_i);
	build_image(&file, _i);
	bytes = malloc(file.len);
	for (unsigned round = 0; round < 2000; round++) {
		memcpy(bytes, file.bytes, file.len);
		for (int i = 1 + rand() % 4; i > 0; i--) {
			size_t at = 16 + (size_t)rand() % (HEADERS - 16) / 4 * 4;

			memcpy(bytes + at,
			       &words[(size_t)rand() % (sizeof(words) / sizeof(words[0]))],
			       rand() % 2 ? 8 : 4);
		}
		parse_all_ways(bytes, file.len);
	}
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("boot-damage");
	TCase *cases = tcase_create("boot-damage");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, cut_off_at_every_length, 0, IMAGES);
	tcase_add_loop_test(cases, every_header_byte_changed, 0, IMAGES);
	tcase_add_loop_test(cases, random_words_in_the_headers, 0, IMAGES);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
