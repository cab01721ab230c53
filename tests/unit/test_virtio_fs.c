/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio file system device with the virtiofsd that is installed: a file is read through it. Skipped
 * where there is none.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/temporary.h"
#include "tests/unit/virtio_fs_driver.h"

#define FILE_SIZE 65536u

static char folder[TEMPORARY_SIZE];
static char reason[AX_ERROR_MESSAGE_SIZE];

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 2654435761u >> 24);
}

static void make_folder(void)
{
	char path[80];
	FILE *file;

	ck_assert(temporary_folder(folder, "fs,"));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/file", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	for (uint32_t i = 0; i < FILE_SIZE; i++)
		fputc(pattern(i), file);
	fclose(file);
	ck_assert_int_eq(chmod(path, 0644), 0);
}

static void remove_folder(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/file", folder);
	unlink(path);
	rmdir(folder);
}

static void note_failure(void *opaque, const AxError *why)
{
	(void)opaque;
	snprintf(reason, sizeof(reason), "%s", why->message);
}

static struct drv *new_fs(uint32_t sandbox)
{
	AxVirtioFsConfig config = AX_VIRTIO_FS_CONFIG_INIT;
	struct drv *drv = drv_new();
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;

	reason[0] = 0;
	share_ram(drv);
	config.host = drv->host;
	config.tag = "files";
	config.directory = folder;
	config.sandbox = sandbox;
	config.failed = note_failure;
	ck_assert_msg(!ax_virtio_fs_new(&config, &virtio, &err), "%s", err.message);
	drv_attach(drv, virtio);
	return drv;
}

static void check_file(struct drv *drv)
{
	static uint8_t bytes[FILE_SIZE];

	drv_start(drv, DRV_ALL);
	fuse_init(drv);
	ck_assert_uint_eq(fuse_read_file(drv, "file", bytes, FILE_SIZE), FILE_SIZE);
	for (uint32_t i = 0; i < FILE_SIZE; i++)
		if (bytes[i] != pattern(i))
			ck_abort_msg("byte %u is wrong", i);
}

START_TEST(a_file_is_read_again_after_a_reset_and_after_a_reboot)
{
	struct drv *drv = new_fs(AX_VIRTIO_FS_SANDBOX_AUTO);

	ck_assert_uint_eq(drv_in(drv, VIRTIO_MMIO_DEVICE_ID), 26);
	ck_assert_uint_eq(drv_config(drv, 0, 4), 'f' | 'i' << 8 | 'l' << 16 | 'e' << 24);
	ck_assert_uint_eq(drv_config(drv, 36, 4), 1);
	check_file(drv);
	check_file(drv);
	ck_assert_int_eq(ax_virtio_detach(drv->virtio, NULL), 0);
	share_ram(drv);
	drv_attach(drv, drv->virtio);
	check_file(drv);
	ck_assert_msg(!*reason, "%s", reason);
	drv_free(drv);
}
END_TEST

START_TEST(another_user_is_served_without_root)
{
	struct drv *drv;

	/* As if this process had been started so: its files in /proc are its own. */
	if (!geteuid() && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534) ||
			   prctl(PR_SET_DUMPABLE, 1)))
		ck_abort_msg("cannot become another user");
	drv = new_fs(AX_VIRTIO_FS_SANDBOX_AUTO);
	check_file(drv);
	drv_free(drv);
}
END_TEST

/* This process's children that run: 0 or 1. */
static pid_t only_child(void)
{
	char path[64], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

START_TEST(its_death_breaks_the_device_and_is_reported)
{
	struct drv *drv = new_fs(AX_VIRTIO_FS_SANDBOX_AUTO);
	time_t end = time(NULL) + 10;
	pid_t pid = only_child();

	check_file(drv);
	if (!pid) {
		drv_free(drv);
		return;
	}
	ck_assert_int_eq(kill(-pid, SIGKILL), 0);
	while (!*reason && time(NULL) < end)
		ck_assert_int_ge(ax_loop_dispatch(drv->host, 10, NULL), 0);
	ck_assert_msg(strstr(reason, "virtiofsd has ended"), "%s", reason);
	ck_assert(drv_is_broken(drv));
	/* The next guest finds it broken, too, and nothing else happens. */
	ck_assert(drv_negotiate(drv, DRV_ALL));
	drv_setup_queue(drv, FS_HIPRIO);
	drv_setup_queue(drv, FS_REQUEST);
	drv_out(drv, VIRTIO_MMIO_STATUS, 15);
	ck_assert(drv_is_broken(drv));
	drv_free(drv);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(nothing_is_left_behind)
{
	struct drv *drv = new_fs(AX_VIRTIO_FS_SANDBOX_AUTO);

	check_file(drv);
	drv_free(drv);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* Whether there is a virtiofsd: a message says why not. */
static bool is_installed(void)
{
	AxVirtioFsConfig config = AX_VIRTIO_FS_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxVirtio *virtio = NULL;
	AxHost *host = NULL;
	int ret;

	if (ax_host_new(NULL, NULL, &host, NULL))
		return false;
	config.host = host;
	config.tag = "probe";
	config.directory = "/tmp";
	ret = ax_virtio_fs_new(&config, &virtio, &err);
	ax_virtio_free(virtio);
	ax_host_free(host);
	if (ret == -ENOENT)
		printf("SKIP: %s\n", err.message);
	return ret != -ENOENT;
}

static int run(void)
{
	const TTest *const tests[] = {
		a_file_is_read_again_after_a_reset_and_after_a_reboot,
		another_user_is_served_without_root,
		its_death_breaks_the_device_and_is_reported,
		nothing_is_left_behind,
	};
	Suite *suite = suite_create("virtio fs");
	TCase *cases = tcase_create("virtio fs");
	SRunner *runner;
	int failed;

	runner = srunner_create(suite);
	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, make_folder, remove_folder);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(cases, tests[i]);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

int main(void)
{
	if (getenv("AXVMM_UNDER_VALGRIND")) {
		printf("SKIP: valgrind has no pidfd_open(2), by which virtiofsd is waited for\n");
		return 77;
	}
	return is_installed() ? run() : 77;
}
