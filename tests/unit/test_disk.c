/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening disks: what is refused, and what the message says; locks; engines, and a host that denies
 * io_uring.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/unit/blk_fixture.h"

/* Opening fails with @ret and a message that has the path and @text. */
static void refused(const AxDiskConfig *config, int ret, const char *text)
{
	AxError err = AX_ERROR_INIT;
	AxDisk *opened = NULL;

	ck_assert_int_eq(ax_disk_open(config, &opened, &err), ret);
	ck_assert_ptr_null(opened);
	ck_assert_msg(strstr(err.message, text) &&
			      (!config->path || strstr(err.message, config->path)),
		      "\"%s\" lacks \"%s\"", err.message, text);
}

START_TEST(what_is_no_disk_is_refused_by_name)
{
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_AUTO);

	make_file(0);
	refused(&config, -ENOEXEC, "is empty");
	ck_assert_int_eq(ftruncate(file, 1000), 0);
	refused(&config, -ENOEXEC, "1000 bytes is no multiple of 512");
	config.path = "axvmm-no-such-disk";
	refused(&config, -ENOENT, "no such file");
	config.path = ".";
	refused(&config, -ENOEXEC, "is a directory");
	config.read_only = true;
	refused(&config, -ENOEXEC, "is a directory");
	config.path = "/dev/null";
	refused(&config, -ENOEXEC, "a character device");
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	config.path = path;
	config.read_only = false;
	refused(&config, -ENOEXEC, "a pipe");
}
END_TEST

START_TEST(configurations_without_sense_are_refused)
{
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_AUTO);

	make_file(4096);
	config.format = 3;
	ck_assert_int_eq(ax_disk_open(&config, &disk, NULL), -EINVAL);
	config = disk_config(3);
	ck_assert_int_eq(ax_disk_open(&config, &disk, NULL), -EINVAL);
	config = disk_config(0);
	config.threads = AX_DISK_THREADS_MAX + 1;
	ck_assert_int_eq(ax_disk_open(&config, &disk, NULL), -EINVAL);
	config = disk_config(0);
	config.path = NULL;
	refused(&config, -EINVAL, "path is NULL");
	config.size = 8;
	ck_assert_int_eq(ax_disk_open(&config, &disk, NULL), -EINVAL);
	ax_disk_free(NULL);
}
END_TEST

START_TEST(images_of_other_formats_are_refused_unless_raw_is_asked_for)
{
	static const char *const starts[] = { "KDMV",	      "vhdxfile",    "conectix",
					      "\x1f\x8b\x08", "\xfd\067zXZ", "\x28\xb5\x2f\xfd" };
	static const char *const names[] = { "VMDK", "VHDX", "VHD", "gzip", "xz", "zstd" };
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_THREADS);

	make_file(4096);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_int_eq(ftruncate(file, 0), 0);
		ck_assert_int_eq(ftruncate(file, 4096), 0);
		ck_assert_int_gt(pwrite(file, starts[i], strlen(starts[i]), 0), 0);
		config.format = AX_DISK_AUTO;
		refused(&config, -ENOEXEC, names[i]);
		config.format = AX_DISK_RAW;
		open_disk(&config);
		ax_disk_free(disk);
	}
	config.format = AX_DISK_QCOW2;
	refused(&config, -ENOEXEC, "does not begin as a qcow2 image");
	ck_assert_int_eq(pwrite(file, "QFI\xfb", 4, 0), 4);
	config.format = AX_DISK_AUTO;
	refused(&config, -ENOTSUP, "open it read-only");
	/* A guest may have a qcow2 image on its raw disk. */
	config.format = AX_DISK_RAW;
	open_disk(&config);
}
END_TEST

START_TEST(a_disk_has_one_writer_or_many_readers)
{
	AxDiskConfig writer = disk_config(AX_DISK_ENGINE_THREADS);
	AxDiskConfig reader = writer;
	AxDisk *second;

	reader.read_only = true;
	make_file(4096);
	open_disk(&writer);
	refused(&writer, -EBUSY, "is locked by another");
	refused(&reader, -EBUSY, "that writes it");
	writer.unlocked = true;
	ck_assert_int_eq(ax_disk_open(&writer, &second, NULL), 0);
	ax_disk_free(second);
	writer.unlocked = false;
	ax_disk_free(disk);
	open_disk(&reader);
	ck_assert_int_eq(ax_disk_open(&reader, &second, NULL), 0);
	refused(&writer, -EBUSY, "only readers can share it");
	ax_disk_free(second);
	ax_disk_free(disk);
	open_disk(&writer);
}
END_TEST

START_TEST(a_file_that_may_not_be_written_can_be_read)
{
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_THREADS);

	make_file(4096);
	ck_assert_int_eq(fchmod(file, 0400), 0);
	if (!geteuid() && (setegid(65534) || seteuid(65534))) {
		printf("SKIP: no other user to be\n");
		return;
	}
	if (!access(path, R_OK))
		refused(&config, -EACCES, "open it read-only");
	config.read_only = true;
	if (getuid())
		open_disk(&config);
	else
		refused(&config, -EACCES, "no permission to read");
	ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

/* From here on io_uring_setup() fails with @os_errno in this process. */
static bool deny_io_uring(uint32_t os_errno)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | os_errno),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

START_TEST(where_io_uring_is_denied_threads_do_the_work)
{
	static const uint32_t errors[] = { EPERM, ENOSYS, EACCES };
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_URING);
	AxDiskInfo info = AX_DISK_INFO_INIT;
	AxError err = AX_ERROR_INIT;
	uint64_t data;

	if (!deny_io_uring(errors[_i])) {
		printf("SKIP: seccomp: %m\n");
		return;
	}
	drv = drv_new();
	make_file(1 << 20);
	ck_assert_int_eq(ax_disk_open(&config, &disk, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.message, "AX_DISK_ENGINE_THREADS does without"));
	config.engine = AX_DISK_ENGINE_AUTO;
	open_disk(&config);
	ck_assert_int_eq(ax_disk_info(disk, &info), 0);
	ck_assert_uint_eq(info.engine, AX_DISK_ENGINE_THREADS);
	drv_attach(drv, new_blk(1));
	drv_start(drv, DRV_ALL);
	data = drv_alloc(drv, 8192);
	fill_pattern(data, 3, 8192);
	ck_assert_uint_eq(do_write(5, data, 8192), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(do_flush(), VIRTIO_BLK_S_OK);
	ck_assert(file_has(5, 3, 8192));
}
END_TEST

START_TEST(past_the_page_cache_alignment_does_not_matter_to_the_guest)
{
	AxDiskConfig config = disk_config(_i ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_AUTO);
	AxError err = AX_ERROR_INIT;
	uint64_t out, in;

	drv = drv_new();
	make_file(1 << 20);
	config.direct = true;
	if (ax_disk_open(&config, &disk, &err)) {
		ck_assert_ptr_nonnull(strstr(err.message, "has no O_DIRECT"));
		printf("SKIP: %s\n", err.message);
		return;
	}
	ck_assert(disk->info.direct && disk->direct_fd >= 0);
	drv_attach(drv, new_blk(1));
	drv_start(drv, DRV_ALL);
	out = drv_alloc(drv, 65536 + 512);
	in = drv_alloc(drv, 65536 + 512);
	for (unsigned skew = 0; skew < 4; skew++) {
		/* Aligned in all; a memory address, an offset or a length that is not. */
		uint64_t skip = skew == 1 ? 2 : 0;
		uint64_t sector = skew == 2 ? 3 : 8;
		uint32_t len = skew == 3 ? 7 * SECTOR : 32768;

		fill_pattern(out + skip, 10 + skew, len);
		ck_assert_uint_eq(do_write(sector, out + skip, len), VIRTIO_BLK_S_OK);
		ck_assert_uint_eq(do_read(sector, in + skip, len), VIRTIO_BLK_S_OK);
		ck_assert(is_pattern(drv_ptr(drv, in + skip), 10 + skew, len));
		ck_assert(file_has(sector, 10 + skew, len));
		ck_assert_uint_eq(do_flush(), VIRTIO_BLK_S_OK);
	}
}
END_TEST

START_TEST(a_disk_that_shrank_gives_errors_not_old_bytes)
{
	uint64_t data;

	start_blk(1 << 20, _i ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_AUTO, DRV_ALL);
	data = drv_alloc(drv, 8192);
	memset(drv_ptr(drv, data), 0x5a, 8192);
	ck_assert_int_eq(ftruncate(file, 4096), 0);
	ck_assert_uint_eq(do_read(4, data, 8192), VIRTIO_BLK_S_IOERR);
	/* Nothing but zeroes is left of a read that failed. */
	for (unsigned i = 0; i < 8192; i++)
		ck_assert_uint_eq(((uint8_t *)drv_ptr(drv, data))[i], 0);
	ck_assert_uint_eq(do_read(0, data, 4096), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(devices_are_made_of_sense_only)
{
	AxVirtioBlkConfig config = AX_VIRTIO_BLK_CONFIG_INIT;
	AxDiskConfig opened = disk_config(AX_DISK_ENGINE_THREADS);
	AxVirtio *first, *second;

	drv = drv_new();
	make_file(4096);
	open_disk(&opened);
	ck_assert_int_eq(ax_virtio_blk_new(&config, &first, NULL), -EINVAL);
	config.host = drv->host;
	ck_assert_int_eq(ax_virtio_blk_new(&config, &first, NULL), -EINVAL);
	config.disk = disk;
	config.queues = AX_VIRTIO_BLK_QUEUES_MAX + 1;
	ck_assert_int_eq(ax_virtio_blk_new(&config, &first, NULL), -EINVAL);
	config.queues = AX_VIRTIO_BLK_QUEUES_MAX;
	config.queue_size = 48;
	ck_assert_int_eq(ax_virtio_blk_new(&config, &first, NULL), -EINVAL);
	config.queue_size = 2048;
	ck_assert_int_eq(ax_virtio_blk_new(&config, &first, NULL), -EINVAL);
	config.queue_size = 2;
	config.serial = "123456789012345678901";
	ck_assert_int_eq(ax_virtio_blk_new(&config, &first, NULL), -EINVAL);
	config.serial = NULL;
	ck_assert_int_eq(ax_virtio_blk_new(&config, &first, NULL), 0);
	ck_assert_int_eq(ax_virtio_blk_new(&config, &second, NULL), -EBUSY);
	ax_virtio_free(first);
	/* A disk outlives its devices. */
	ck_assert_int_eq(ax_virtio_blk_new(&config, &second, NULL), 0);
	ax_virtio_free(second);
}
END_TEST

/* 1: with one processor. There nothing may be done at once: a guest would never ask for two things. */
START_TEST(a_file_in_memory_needs_no_thread_but_on_one_processor)
{
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_AUTO);
	AxDiskInfo info = AX_DISK_INFO_INIT;
	int memory = memfd_create("disk", MFD_CLOEXEC);
	cpu_set_t all, set;
	uint64_t data;

	drv = drv_new();
	ck_assert_int_eq(ftruncate(memory, 1 << 20), 0);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (_i == 1)
		ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	open_disk(&config);
	ck_assert_int_eq(ax_disk_info(disk, &info), 0);
	if (_i == 1 || CPU_COUNT(&all) == 1) {
		ck_assert_int_ge(disk->engines[0]->fd, 0);
	} else {
		ck_assert_uint_eq(info.engine, AX_DISK_ENGINE_THREADS);
		ck_assert_int_eq(disk->engines[0]->fd, -1);
	}
	drv_attach(drv, new_blk(1));
	drv_start(drv, DRV_ALL);
	data = drv_alloc(drv, 8192);
	fill_pattern(data, 3, 8192);
	ck_assert_uint_eq(do_write(5, data, 8192), VIRTIO_BLK_S_OK);
	/* It takes two calls, of which tmpfs does not know the first. */
	ck_assert_uint_eq(do_range(VIRTIO_BLK_T_WRITE_ZEROES, 6, 1, 0), VIRTIO_BLK_S_OK);
	memset(drv_ptr(drv, data), 0xff, 8192);
	ck_assert_uint_eq(do_read(5, data, 8192), VIRTIO_BLK_S_OK);
	ck_assert(is_pattern(drv_ptr(drv, data), 3, SECTOR));
	for (unsigned i = SECTOR; i < 2 * SECTOR; i++)
		ck_assert_uint_eq(((uint8_t *)drv_ptr(drv, data))[i], 0);
	close(memory);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("disk");
	Suite *suite = suite_create("disk");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, NULL, close_all);
	tcase_add_test(tcase, what_is_no_disk_is_refused_by_name);
	tcase_add_test(tcase, configurations_without_sense_are_refused);
	tcase_add_test(tcase, images_of_other_formats_are_refused_unless_raw_is_asked_for);
	tcase_add_test(tcase, a_disk_has_one_writer_or_many_readers);
	tcase_add_test(tcase, a_file_that_may_not_be_written_can_be_read);
	tcase_add_loop_test(tcase, where_io_uring_is_denied_threads_do_the_work, 0, 3);
	tcase_add_loop_test(tcase, past_the_page_cache_alignment_does_not_matter_to_the_guest, 0,
			    2);
	tcase_add_loop_test(tcase, a_disk_that_shrank_gives_errors_not_old_bytes, 0, 2);
	tcase_add_test(tcase, devices_are_made_of_sense_only);
	tcase_add_loop_test(tcase, a_file_in_memory_needs_no_thread_but_on_one_processor, 0, 2);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
