/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest "hostile", with one seed after the other: on the machine as it is, with handlers that
 * answer at random, by hand, and sweeping the hole in the address space. The host survives: every exit is of a known kind, every call
 * returns what its contract says, nothing is left behind.
 *
 * AXVMM_HOSTILE_SECONDS  how long in all (8); "make hostile" has ten minutes
 * AXVMM_HOSTILE_SEED     the first seed (1); a failure names the one it happened with
 * AXVMM_HOSTILE_TELL=1   a line for each guest, with how it ended
 */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guests/abi.h"

#define SECOND	    UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

/* What the process that runs a test tells the one that reports: which seed it is at. */
struct shared {
	uint64_t seed;
	uint64_t page; /* where the sweep of the hole goes on */
	uint64_t swept;
};

static struct shared *shared;

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* What one guest has at most. libcheck's word for a slow machine holds here, too. */
static uint64_t guest_ns(void)
{
	uint64_t factor = number_of("CK_TIMEOUT_MULTIPLIER", 1);

	return 200 * MILLISECOND * (factor > 1 && factor <= 10 ? factor : 1);
}

uint64_t hostile_random(uint64_t *state)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

unsigned hostile_pick(uint64_t *state, unsigned below)
{
	return (unsigned)(hostile_random(state) >> 32) % below;
}

void hostile_check_return(int ret, const char *call, const int *allowed)
{
	for (; *allowed != 1; allowed++)
		if (ret == *allowed)
			return;
	ck_assert_msg(ret > 0, "%s returned %d", call, ret);
}

static void learn_place(struct trial *trial, uint64_t address)
{
	unsigned index = atomic_fetch_add(&trial->place_count, 1);

	if (index < HOSTILE_PLACES)
		atomic_store(&trial->places[index], address & ~UINT64_C(0xfff));
	else
		atomic_store(&trial->place_count, HOSTILE_PLACES);
}

void hostile_check_exit(struct trial *trial, const AxVCpuExitReason *exit)
{
	char text[512];

	atomic_fetch_add(&trial->exits, 1);
	ck_assert_uint_lt(exit->kind, AX_EXIT_KINDS);
	ck_assert_uint_lt(ax_exit_format(exit, text, sizeof(text)), sizeof(text));
	ck_assert_msg(exit->kind != AX_EXIT_UNSUPPORTED, "%s", text);
	ax_exit_explain(exit, text, sizeof(text));
	ax_machine_whose(trial->run.machine, exit);
	switch (exit->kind) {
	case AX_EXIT_MMIO_READ:
		ck_assert(exit->mmio_read.len >= 1 && exit->mmio_read.len <= 8);
		break;
	case AX_EXIT_MMIO_WRITE:
		ck_assert(exit->mmio_write.len >= 1 && exit->mmio_write.len <= 8);
		break;
	case AX_EXIT_IO_READ: ck_assert_uint_ge(exit->io_read.count, 1); break;
	case AX_EXIT_IO_WRITE: ck_assert_uint_ge(exit->io_write.count, 1); break;
	default: break;
	}
}

static void on_exit_seen(void *opaque, AxVCpu *vcpu, const AxExitRecord *record)
{
	struct trial *trial = opaque;

	hostile_check_exit(trial, record->exit);
	if (record->handled != AX_UNHANDLED)
		return;
	if (record->exit->kind == AX_EXIT_MMIO_READ)
		learn_place(trial, record->exit->mmio_read.addr);
	else if (record->exit->kind == AX_EXIT_MMIO_WRITE)
		learn_place(trial, record->exit->mmio_write.addr);
}

static const AxObserver observer = { sizeof(observer), on_exit_seen };

static void set_number(struct trial *trial, uint64_t offset, uint64_t value)
{
	ck_assert_int_eq(ax_mem_write(trial->vm, trial->run.guest->load + offset, &value, 8), 0);
}

static uint64_t get_number(struct trial *trial, uint64_t offset)
{
	uint64_t value;

	ck_assert_int_eq(ax_mem_read(trial->vm, trial->run.guest->load + offset, &value, 8), 0);
	return value;
}

/* Make the machine that the seed says, or one that this host and architecture have. */
static int make_machine(struct trial *trial, AxError *err)
{
	static const char *const irqchips[] = { NULL, "user", "kernel" };
	const struct embedded_guest *guest = guest_named("hostile");
	struct guest_variant variant = { .stop_after_ns = guest_ns() };
	unsigned attempts = 0;
	int ret;

	/* Exits as fast as they come. */
	if (trial->flags & AX_HOSTILE_SWEEP)
		return guest_open(&trial->run, guest, &variant, err);
	variant.observer = &observer;
	variant.observer_opaque = trial;
	variant.irqchip = irqchips[hostile_pick(&trial->random, 3)];
	if (variant.irqchip)
		variant.cpus = 1 + hostile_pick(&trial->random, 3);
	if ((trial->flags & AX_HOSTILE_CALLS) && hostile_pick(&trial->random, 2))
		variant.features = AX_MACHINE_TEST_HYPERCALL_TRAP;
	variant.unclaimed = 1 + hostile_pick(&trial->random, 16);
	if (variant.unclaimed > 1 + AX_UNCLAIMED_STOP)
		variant.unclaimed = 1 + AX_UNCLAIMED_ONES;
	do {
		ret = guest_open(&trial->run, guest, &variant, err);
		if (attempts++ == 0) {
			variant.features = 0;
		} else {
			variant.irqchip = NULL;
			variant.cpus = 0;
		}
	} while ((ret == -ENOTSUP || ret == -EINVAL) && attempts < 3);
	return ret;
}

/* What the guest may do. */
static uint32_t pick_flags(struct trial *trial)
{
	uint32_t flags = hostile_pick(&trial->random, 4) ? AX_HOSTILE_DEADLY : 0;

	if (!kvm_is_software())
		flags |= AX_HOSTILE_CALLS | AX_HOSTILE_CODE;
	return flags;
}

/* A machine, and in it the guest with its seed. All of it is a function of seed and flags. */
static bool open_trial(struct trial *trial, uint64_t seed, uint32_t flags)
{
	AxError err = AX_ERROR_INIT;
	int ret;

	trial->seed = trial->random = shared->seed = seed;
	trial->exits = 0;
	trial->flags = flags ? flags : pick_flags(trial);
	trial->disturbed = !flags && hostile_pick(&trial->random, 2);
	trial->disturber_random = hostile_random(&trial->random);
	ret = make_machine(trial, &err);
	if (ret == -ENOTSUP) {
		kvm_skip("guest hostile: %s", err.message);
		return false;
	}
	ck_assert_msg(!ret, "%d: %s", ret, err.message);
	trial->vm = ax_machine_vm(trial->run.machine);
	set_number(trial, AX_GUEST_HOSTILE_SEED, hostile_random(&trial->random) | 1);
	set_number(trial, AX_GUEST_HOSTILE_STEPS,
		   flags ? UINT32_MAX : 1 + hostile_pick(&trial->random, 1000));
	set_number(trial, AX_GUEST_HOSTILE_FLAGS, trial->flags);
	set_number(trial, AX_GUEST_HOSTILE_PAGE, shared->page);
	return true;
}

static void begin_disturbing(struct trial *trial)
{
	atomic_store(&trial->ends, false);
	if (trial->disturbed)
		ck_assert_int_eq(pthread_create(&trial->disturber, NULL, hostile_disturb, trial),
				 0);
}

static void end_disturbing(struct trial *trial)
{
	atomic_store(&trial->ends, true);
	if (trial->disturbed)
		pthread_join(trial->disturber, NULL);
}

/* A guest that may write anywhere may have written there. */
static void close_trial(struct trial *trial)
{
	if (!(trial->flags & AX_HOSTILE_DEADLY)) {
		shared->page = get_number(trial, AX_GUEST_HOSTILE_PAGE);
		shared->swept += get_number(trial, AX_GUEST_HOSTILE_SWEPT);
	}
	guest_close(&trial->run);
}

static void tell_end(struct trial *trial)
{
	const AxMachineResult *result = &trial->run.result;
	char exit[256] = "";

	if (!number_of("AXVMM_HOSTILE_TELL", 0))
		return;
	if (result->exit.kind != AX_EXIT_NOTHING)
		ax_exit_format(&result->exit, exit, sizeof(exit));
	kvm_say("seed %" PRIu64 " flags %" PRIx32 ": %s %s, %" PRIu64 " exits, %" PRIu64
		" of %" PRIu64 " steps",
		trial->seed, trial->flags, ax_machine_end_name(result->end), exit,
		(uint64_t)trial->exits, get_number(trial, AX_GUEST_HOSTILE_MADE),
		get_number(trial, AX_GUEST_HOSTILE_STEPS));
}

/* Run the whole machine, and read the report of its death. */
static void run_machine(struct trial *trial)
{
	AxError err = AX_ERROR_INIT;
	char line[512];

	begin_disturbing(trial);
	ck_ok(guest_go(&trial->run, &err), err);
	end_disturbing(trial);
	ck_assert_str_ne(ax_machine_end_name(trial->run.result.end), "unknown");
	tell_end(trial);
	/* A guest that does not ask for death has it from nobody. */
	if (!(trial->flags & AX_HOSTILE_DEADLY)) {
		ck_assert_uint_ne(trial->run.result.end, AX_MACHINE_INTERNAL_ERROR);
		ck_assert_uint_ne(trial->run.result.end, AX_MACHINE_TRIPLE_FAULT);
		ck_assert_uint_ne(trial->run.result.end, AX_MACHINE_ASSERTION);
	}
	for (unsigned i = 0; ax_machine_report(trial->run.machine, trial->run.result.vcpu,
					       &trial->run.result.exit, i, line, sizeof(line));
	     i++)
		ck_assert_uint_lt(i, 200);
}

/* 1. The machine as it is. */
static bool as_it_is(struct trial *trial, uint64_t seed)
{
	if (!open_trial(trial, seed, 0))
		return false;
	run_machine(trial);
	close_trial(trial);
	return true;
}

/* 2. Once to learn where the guest goes, and once with handlers there. */
static bool with_handlers(struct trial *trial, uint64_t seed)
{
	atomic_store(&trial->place_count, 0);
	if (!as_it_is(trial, seed) || !open_trial(trial, seed, 0))
		return false;
	hostile_add_handlers(trial);
	run_machine(trial);
	close_trial(trial);
	return true;
}

/* 3. By hand. The disturber ends what makes no exit. */
static bool by_hand(struct trial *trial, uint64_t seed)
{
	if (!open_trial(trial, seed, 0))
		return false;
	trial->disturbed = true;
	begin_disturbing(trial);
	hostile_by_hand(trial, kvm_now() + guest_ns());
	end_disturbing(trial);
	close_trial(trial);
	return true;
}

/* 4. Every page below 4 GiB that is not RAM, as far as the time goes. */
static bool sweep(struct trial *trial, uint64_t seed)
{
	if (!open_trial(trial, seed, AX_HOSTILE_SWEEP))
		return false;
	run_machine(trial);
	close_trial(trial);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct trial *trial, uint64_t seed);
} kinds[] = {
	{ "on the machine", as_it_is },
	{ "with random handlers", with_handlers },
	{ "by hand", by_hand },
	{ "the hole", sweep },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

START_TEST(the_host_survives)
{
	uint64_t seed = number_of("AXVMM_HOSTILE_SEED", 1);
	unsigned seconds = (unsigned)number_of("AXVMM_HOSTILE_SECONDS", 8);
	uint64_t until = kvm_now() + seconds * SECOND / KINDS;
	uint64_t exits = 0, guests = 0, longest = 0, longest_seed = 0;
	unsigned descriptors = count_descriptors();
	static struct trial trial;

	kvm_limit(KVM_TEST_SECONDS + seconds);
	do {
		uint64_t started = kvm_now();

		if (!kinds[_i].run(&trial, seed++))
			return;
		exits += trial.exits;
		guests++;
		if (kvm_now() - started > longest) {
			longest = kvm_now() - started;
			longest_seed = trial.seed;
		}
	} while (kvm_now() < until);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	kvm_say("%s: %" PRIu64 " guests, %" PRIu64 " exits, %" PRIu64
		" pages of the hole swept so far; the longest took %" PRIu64 " ms, seed %" PRIu64,
		kinds[_i].name, guests, exits, shared->swept, longest / MILLISECOND, longest_seed);
	kvm_count_run();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tcase = kvm_case(suite, "hostile guests");
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return EXIT_FAILURE;
	/* The watchdog's limit is the one that counts. */
	tcase_set_timeout(tcase, 24 * 3600);
	tcase_add_loop_test(tcase, the_host_survives, 0, KINDS);
	status = kvm_main(suite);
	if (status == EXIT_FAILURE)
		printf("the last seed of all: AXVMM_HOSTILE_SEED=%" PRIu64 "\n", shared->seed);
	return status;
}
