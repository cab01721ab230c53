/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings of the tree (tests/record/ARCH), of this build's architecture, are replayed on its whole
 * machine: no answer differs. Here rather than by the command alone (tests/cli/replay), so that a build for
 * another architecture has its own ones replayed by an emulator of processes.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/machine.h>
#include <axvmm/record.h>

#define LARGEST (64u << 20)

/* All of what a program prints; to be freed. */
static uint8_t *output_of(const char *command, size_t *len)
{
	FILE *pipe = popen(command, "r");
	uint8_t *bytes = malloc(LARGEST);

	ck_assert_ptr_nonnull(pipe);
	ck_assert_ptr_nonnull(bytes);
	*len = fread(bytes, 1, LARGEST, pipe);
	ck_assert_msg(!pclose(pipe) && *len < LARGEST, "failed: %s", command);
	return bytes;
}

static uint8_t *read_recording(const char *path, size_t *len)
{
	size_t path_len = strlen(path);
	char command[1100];

	snprintf(command, sizeof(command), "%s '%s'",
		 path_len > 3 && !strcmp(path + path_len - 3, ".gz") ? "gzip -dc" : "cat", path);
	return output_of(command, len);
}

/* Replay it: the device in slot @slot alone, or (-1) all. False: there is no such device. */
static bool replay(const char *path, int slot)
{
	AxReplayOptions options = AX_REPLAY_OPTIONS_INIT;
	AxReplayResult result = AX_REPLAY_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	AxMachine *machine;
	AxRecord *record;
	size_t len;
	uint8_t *bytes = read_recording(path, &len);
	char key[32];

	ck_assert_msg(!ax_replay_open(path, bytes, len, &record, &err), "%s", err.message);
	snprintf(key, sizeof(key), "machine.slot.%d", slot);
	options.device = ax_record_fact(record, key);
	if (slot < 0 || options.device) {
		ck_assert_msg(!ax_machine_replay(record, &machine, &err), "%s: %s", path,
			      err.message);
		ck_assert_msg(
			!ax_replay_run(record, ax_machine_vm(machine), &options, &result, &err),
			"%s: %s", path, err.message);
		ck_assert_msg(result.end == AX_REPLAY_SAME,
			      "%s: unit %llu, of %s: recorded %s / now %s", path,
			      (unsigned long long)result.unit, result.device, result.recorded,
			      result.came);
		ck_assert_uint_gt(result.exits, 0);
		ax_machine_free(machine);
	}
	ax_record_free(record);
	free(bytes);
	return result.exits;
}

/* Those whose names end so: how many. */
static size_t find(const char *ending, glob_t *found)
{
	const char *top = getenv("srcdir"), *architecture = getenv("AX_ARCH");
	char pattern[1024];

	snprintf(pattern, sizeof(pattern), "%s/tests/record/%s/%s", top ? top : ".",
		 architecture ? architecture : "none", ending);
	return glob(pattern, 0, NULL, found) ? 0 : found->gl_pathc;
}

START_TEST(tiny_guests_meet_the_same_devices)
{
	glob_t found;
	size_t count = find("[!l]*.rec*", &found);

	ck_assert_uint_gt(count, 10);
	for (size_t i = 0; i < count; i++)
		replay(found.gl_pathv[i], -1);
	globfree(&found);
}
END_TEST

START_TEST(a_linux_boot_meets_the_same_devices)
{
	glob_t found;

	ck_assert_uint_eq(find("linux-boot.rec.gz", &found), 1);
	replay(found.gl_pathv[0], -1);
	globfree(&found);
}
END_TEST

START_TEST(each_of_its_devices_is_replayed_alone)
{
	glob_t found;
	int slot = 0;

	ck_assert_uint_eq(find("linux-boot.rec.gz", &found), 1);
	while (replay(found.gl_pathv[0], slot))
		slot++;
	ck_assert_int_gt(slot, 1);
	globfree(&found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recordings of the tree");
	TCase *tcase = tcase_create("replay");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, tiny_guests_meet_the_same_devices);
	tcase_add_test(tcase, a_linux_boot_meets_the_same_devices);
	tcase_add_test(tcase, each_of_its_devices_is_replayed_alone);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
