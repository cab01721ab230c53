/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VMM that is killed in the middle of writes: up to 200 times a child process with the device and its driver,
 * over one file, gets SIGKILL at some moment, and what it left behind is looked at.
 *
 *   - What the driver was told is written is in the file, and so is what the used ring says, whether the
 *     driver had looked at it or not.
 *   - No sector is torn: each of 512 bytes is wholly of one write.
 *   - The used ring has nothing but requests that were in flight, each with its status.
 *
 * Children take turns: io_uring and threads, split and packed rings, with and without a write cache, and
 * past the page cache.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/blk_fixture.h"

#define KILLS	    200
#define SECONDS	    25 /* fewer kills where that takes longer, as under valgrind */
#define KILLS_LEAST 10
#define SLOTS	    64
#define SLOT_SIZE   8192u
#define IN_FLIGHT   16

/* What the driver knows, for the parent to see. A slot has one write at a time. */
static struct shared {
	volatile uint64_t started[SLOTS], used[SLOTS]; /* generations */
	volatile uint32_t slot_of[VIRTQ_SIZE_MAX];     /* of a token in flight, plus 1; 0: none */
	volatile uint64_t status_of[VIRTQ_SIZE_MAX];   /* where a token's status byte is */
	volatile uint32_t seen;			       /* used entries */
	volatile uint64_t ring;			       /* where the used ring is; 0: packed */
	volatile uint32_t size;			       /* of the ring */
	volatile uint32_t writes, flushes;
	volatile uint64_t generation; /* the last one that there was */
} * shared;

static int ram_fd; /* guest RAM, which is shared, too */
static uint8_t *guest_ram;
static uint64_t low[SLOTS]; /* no older generation may be in the file */

struct variant {
	bool threads, packed, write_through, direct;
};

static struct variant variant_of(unsigned i)
{
	return (struct variant){ i & 1, i & 2, i & 4, i % 3 == 0 };
}

/* The word at @i of a sector, of which there are 64. */
static uint64_t word(uint64_t gen, unsigned slot, unsigned sector, unsigned i)
{
	return i ? (gen * 0x9e3779b97f4a7c15ull) ^ (slot * 1000003ull + sector * 131ull + i) : gen;
}

static void fill_slot(uint64_t *words, uint64_t gen, unsigned slot)
{
	for (unsigned sector = 0; sector < SLOT_SIZE / SECTOR; sector++) {
		for (unsigned i = 0; i < SECTOR / 8; i++)
			*words++ = word(gen, slot, sector, i);
	}
}

/* The driver, which never ends. */
static void submit_write(unsigned slot, uint64_t header, uint64_t data)
{
	uint64_t gen = ++shared->generation;
	struct drv_segment segments[] = { { header, 16, false },
					  { data, SLOT_SIZE, false },
					  { header + 32, 1, true } };
	int token;

	fill_slot(drv_ptr(drv, data), gen, slot);
	*(uint32_t *)drv_ptr(drv, header) = VIRTIO_BLK_T_OUT;
	((uint64_t *)drv_ptr(drv, header))[1] = slot * (SLOT_SIZE / SECTOR);
	*(uint8_t *)drv_ptr(drv, header + 32) = 0xee;
	shared->started[slot] = gen;
	token = drv_add_chain(drv, 0, segments, 3, false);
	ck_assert_int_ge(token, 0);
	shared->status_of[token] = header + 32;
	shared->slot_of[token] = slot + 1;
}

static void submit_flush(uint64_t header)
{
	struct drv_segment segments[] = { { header, 16, false }, { header + 32, 1, true } };

	*(uint32_t *)drv_ptr(drv, header) = VIRTIO_BLK_T_FLUSH;
	ck_assert_int_ge(drv_add_chain(drv, 0, segments, 2, false), 0);
}

static void run_driver(void)
{
	uint64_t headers = drv_alloc(drv, 64 * (SLOTS + 1));
	uint64_t data = drv_alloc(drv, SLOTS * SLOT_SIZE);
	unsigned next = 0, in_flight = 0;
	bool flushing = false;

	for (;;) {
		uint32_t len;
		int token;

		while (in_flight < IN_FLIGHT) {
			unsigned slot = next++ % SLOTS;

			if (shared->used[slot] != shared->started[slot])
				break;
			submit_write(slot, headers + 64 * slot, data + slot * SLOT_SIZE);
			in_flight++;
		}
		if (!flushing && shared->writes % 32 == 31) {
			submit_flush(headers + 64 * SLOTS);
			flushing = true;
		}
		drv_kick(drv, 0);
		token = drv_wait(drv, 0, &len);
		if (shared->slot_of[token]) {
			unsigned slot = shared->slot_of[token] - 1;

			ck_assert_uint_eq(*(uint8_t *)drv_ptr(drv, shared->status_of[token]), 0);
			shared->used[slot] = shared->started[slot];
			shared->slot_of[token] = 0;
			shared->writes++;
			in_flight--;
		} else {
			flushing = false;
			shared->flushes++;
		}
		shared->seen++;
	}
}

static void run_child(struct variant variant)
{
	AxDiskConfig config =
		disk_config(variant.threads ? AX_DISK_ENGINE_THREADS : AX_DISK_ENGINE_AUTO);
	AxError err = AX_ERROR_INIT;

	drv = drv_new();
	ck_assert_ptr_eq(mmap(drv->ram, DRV_RAM_SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, ram_fd, 0),
			 drv->ram);
	config.direct = variant.direct;
	if (ax_disk_open(&config, &disk, &err)) {
		config.direct = false;
		open_disk(&config);
	}
	drv_attach(drv, new_blk(1));
	drv_start(drv, variant.packed ? DRV_ALL : DRV_SPLIT);
	if (variant.write_through)
		drv_set_config(drv, 32, 1, 0);
	shared->size = drv->queues[0].size;
	shared->ring = variant.packed ? 0 : drv->queues[0].device;
	run_driver();
}

/* All sectors of a slot are of one generation each, of those that it may have. */
static void check_slot(unsigned slot, bool complete)
{
	uint64_t words[SLOT_SIZE / 8];
	uint64_t oldest = complete ? shared->started[slot] : low[slot];
	unsigned at = 0;

	ck_assert_int_eq(pread(file, words, SLOT_SIZE, (off_t)slot * SLOT_SIZE), SLOT_SIZE);
	for (unsigned sector = 0; sector < SLOT_SIZE / SECTOR; sector++) {
		uint64_t gen = words[at];

		ck_assert_uint_ge(gen, oldest);
		ck_assert_uint_le(gen, shared->started[slot]);
		for (unsigned i = 0; i < SECTOR / 8; i++, at++)
			ck_assert_msg(words[at] == (gen ? word(gen, slot, sector, i) : 0),
				      "slot %u: sector %u is torn", slot, sector);
	}
}

/* What the device used and the driver had not seen yet. */
static void check_used_ring(void)
{
	const uint8_t *ring = guest_ram + (shared->ring - DRV_RAM_BASE);
	uint16_t idx, pending;

	if (!shared->ring)
		return;
	memcpy(&idx, ring + 2, sizeof(idx));
	pending = (uint16_t)(idx - shared->seen);
	ck_assert_uint_le(pending, IN_FLIGHT + 2);
	for (uint16_t i = 0; i < pending; i++) {
		uint32_t entry[2];
		uint32_t slot;

		memcpy(entry, ring + 4 + 8 * ((uint16_t)(shared->seen + i) % shared->size), 8);
		ck_assert_uint_lt(entry[0], shared->size);
		ck_assert_uint_eq(entry[1], 1);
		slot = shared->slot_of[entry[0]];
		/* A flush, or one that the driver was busy with. */
		if (!slot)
			continue;
		ck_assert_uint_eq(guest_ram[shared->status_of[entry[0]] - DRV_RAM_BASE], 0);
		check_slot(slot - 1, true);
	}
}

/*
 * The kernel may still be at it for a moment, io_uring's work above all. Whoever starts the VM again has
 * the disk nevertheless, and nobody writes to it any more.
 */
static void take_the_file_over(void)
{
	AxDiskConfig config = disk_config(AX_DISK_ENGINE_THREADS);

	open_disk(&config);
	ax_disk_free(disk);
	disk = NULL;
}

static void check_all(const uint64_t *before)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (shared->used[slot] > before[slot])
			low[slot] = shared->used[slot];
		check_slot(slot, false);
	}
	check_used_ring();
}

/*
 * In the child: what libcheck's macros tell goes nowhere. Its file of messages is the parent's, too, and
 * would hold half a message of who is killed.
 */
static void leave_libcheck(void)
{
	int null = open("/dev/null", O_WRONLY);
	struct stat info;

	for (int fd = 3; fd < 64; fd++) {
		if (fd != ram_fd && fd != null && !fstat(fd, &info) && S_ISREG(info.st_mode) &&
		    !info.st_nlink)
			dup2(null, fd);
	}
	close(null);
}

/* One child: whether it had come to write before it was killed. */
static bool kill_one(unsigned i)
{
	uint64_t before[SLOTS];
	uint32_t writes = shared->writes;
	struct timespec moment = { 0, 0 };
	int status;
	pid_t pid;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		before[slot] = shared->used[slot] = shared->started[slot];
	memset((void *)shared->slot_of, 0, sizeof(shared->slot_of));
	shared->seen = 0;
	shared->ring = 0;
	memset(guest_ram, 0, DRV_RAM_SIZE / 16);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		leave_libcheck();
		run_child(variant_of(i));
		_exit(1);
	}
	moment.tv_nsec = 200000 + rand() % 9000000;
	for (unsigned tries = 0; shared->writes == writes && tries < 5000; tries++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	nanosleep(&moment, NULL);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		      "the child ended by itself: status 0x%x", status);
	take_the_file_over();
	check_all(before);
	return shared->writes != writes;
}

START_TEST(what_was_acknowledged_survives_sigkill)
{
	time_t end = time(NULL) + (getenv("AXVMM_TEST_LONG") ? 100 : SECONDS);
	unsigned kills = 0, wrote = 0;

	make_file(SLOTS * SLOT_SIZE);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	ram_fd = memfd_create("guest", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(ram_fd, DRV_RAM_SIZE), 0);
	guest_ram = mmap(NULL, DRV_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
	ck_assert_ptr_ne(guest_ram, MAP_FAILED);
	while (kills < KILLS && (time(NULL) < end || kills < KILLS_LEAST))
		wrote += kill_one(kills++);
	printf("%u kills, %u amid writes, %u writes and %u flushes acknowledged\n", kills, wrote,
	       shared->writes, shared->flushes);
	ck_assert_uint_eq(wrote, kills);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("kill");
	Suite *suite = suite_create("virtio-blk-kill");

	tcase_set_timeout(tcase, 110);
	tcase_add_checked_fixture(tcase, NULL, close_all);
	tcase_add_test(tcase, what_was_acknowledged_survives_sigkill);
	suite_add_tcase(suite, tcase);
	return drv_suite(suite);
}
