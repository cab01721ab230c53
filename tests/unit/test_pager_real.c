/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pager on the real userfaultfd: this process's own threads touch the RAM of a VM that has no
 * real KVM. Skipped where the host does not let us, with the library's words.
 */
#include "tests/unit/core_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <axvmm/probe.h>

#define RAM_BASE 0x100000
#define PAGES	 64
#define THREADS	 4

struct handler {
	uint64_t page;
	_Atomic AxPageAnswer answer;
	atomic_uint asked[PAGES];
	atomic_uint total;
	_Atomic uint32_t vcpu; /* of the last */
	atomic_uint access;
	_Atomic(AxVm *) vm; /* NULL: don't try */
	atomic_int own_access;
};

static uint8_t byte_of(uint64_t page)
{
	return (uint8_t)(page * 37 + 11);
}

static AxPageAnswer fill(AxPager *pager, void *opaque, const AxVCpuExitReason *exit, void *page,
			 size_t size)
{
	struct handler *handler = opaque;
	uint64_t index = (exit->nested_page_fault.addr - RAM_BASE) / size;
	uint8_t byte;

	(void)pager;
	memset(page, byte_of(index), size);
	atomic_store(&handler->vcpu, exit->vcpu);
	atomic_store(&handler->access, exit->nested_page_fault.access_flags);
	if (atomic_load(&handler->vm))
		atomic_store(&handler->own_access,
			     ax_mem_read(atomic_load(&handler->vm), RAM_BASE + (PAGES - 1) * size,
					 &byte, 1));
	atomic_fetch_add(&handler->asked[index], 1);
	atomic_fetch_add(&handler->total, 1);
	return atomic_load(&handler->answer);
}

static const AxPagerOps ops = { .size = sizeof(ops), .fill = fill };

/* RAM that a pager asks for, and where it lies. */
struct paged {
	AxVm *vm;
	AxMemView view;
	uint8_t *host;
	AxPager *pager;
	struct handler handler;
};

static void new_paged(struct paged *paged, unsigned ram_flags)
{
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;

	memset(paged, 0, sizeof(*paged));
	paged->handler.page = (uint64_t)sysconf(_SC_PAGESIZE);
	paged->vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(
		ax_ram_add(paged->vm, RAM_BASE, PAGES * paged->handler.page, ram_flags, &err), 0);
	/* While it has no pager a view says where it lies, and touches nothing. */
	ck_assert_int_eq(ax_mem_get(paged->vm, RAM_BASE, PAGES * paged->handler.page, AX_MEM_READ,
				    &paged->view),
			 0);
	paged->host = paged->view.host;
	config.base = RAM_BASE;
	config.ops = &ops;
	config.opaque = &paged->handler;
	ck_assert_msg(!ax_pager_create(paged->vm, &config, &paged->pager, &err), "%s", err.message);
}

static void close_paged(struct paged *paged)
{
	ax_mem_put(paged->vm, &paged->view, 0);
	ax_vm_destroy(paged->vm);
}

static volatile uint8_t *byte_at(struct paged *paged, unsigned page)
{
	return paged->host + page * paged->handler.page;
}

static uint64_t gpa_of(struct paged *paged, unsigned page)
{
	return RAM_BASE + page * paged->handler.page;
}

static void wait_total(struct paged *paged, unsigned count)
{
	const struct timespec a_moment = { .tv_nsec = 100000 };

	for (unsigned i = 0; atomic_load(&paged->handler.total) < count; i++) {
		ck_assert_uint_lt(i, 100000);
		nanosleep(&a_moment, NULL);
	}
}

static void check_first_touch(unsigned ram_flags)
{
	struct paged paged;

	new_paged(&paged, ram_flags);
	ck_assert_uint_eq(*byte_at(&paged, 5), byte_of(5));
	ck_assert_uint_eq(atomic_load(&paged.handler.access), AX_MAP_READ);
	ck_assert_uint_eq(atomic_load(&paged.handler.vcpu), AX_PAGER_NO_VCPU);
	*byte_at(&paged, 6) = 1;
	ck_assert_uint_eq(atomic_load(&paged.handler.access), AX_MAP_WRITE);
	ck_assert_uint_eq(byte_at(&paged, 6)[1], byte_of(6));
	*byte_at(&paged, 5) = 2; /* it is there: read and write are one */
	ck_assert_uint_eq(atomic_load(&paged.handler.total), 2);
	atomic_store(&paged.handler.answer, AX_PAGE_ZERO);
	ck_assert_uint_eq(*byte_at(&paged, 7), 0);
	*byte_at(&paged, 7) = 3;
	ck_assert_uint_eq(atomic_load(&paged.handler.total), 3);
	close_paged(&paged);
}

START_TEST(first_touch_asks_for_the_page)
{
	check_first_touch(0);
	check_first_touch(AX_RAM_MEMFD);
	check_first_touch(AX_RAM_HUGE);
}
END_TEST

START_TEST(page_that_is_there_is_not_asked_for)
{
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	struct handler handler = { .answer = AX_PAGE_FILLED };
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxPager *pager;
	uint8_t byte = 7;

	ck_assert_int_eq(ax_ram_add(vm, RAM_BASE, PAGES * page, 0, NULL), 0);
	ck_assert_int_eq(ax_mem_write(vm, RAM_BASE + page, &byte, 1), 0);
	config.base = RAM_BASE;
	config.ops = &ops;
	config.opaque = &handler;
	ck_assert_int_eq(ax_pager_create(vm, &config, &pager, NULL), 0);
	/* Nor is its failure believed. */
	ck_assert_int_eq(ax_pager_fail(pager, RAM_BASE + page, page, NULL), 0);
	ck_assert_int_eq(ax_pager_provide(pager, RAM_BASE + page, NULL, page, NULL), 0);
	byte = 0;
	ck_assert_int_eq(ax_mem_read(vm, RAM_BASE + page, &byte, 1), 0);
	ck_assert_uint_eq(byte, 7);
	ck_assert_uint_eq(atomic_load(&handler.total), 0);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(owner_of_a_vcpu_is_named)
{
	struct paged paged;
	AxVCpu *vcpu;
	uint8_t byte;

	new_paged(&paged, 0);
	vcpu = ready_vcpu(paged.vm, 9);
	ck_assert_uint_eq(*byte_at(&paged, 0), byte_of(0));
	ck_assert_uint_eq(atomic_load(&paged.handler.vcpu), 9);
	ck_assert_int_eq(ax_mem_read(paged.vm, gpa_of(&paged, 1), &byte, 1), 0);
	ck_assert_uint_eq(atomic_load(&paged.handler.vcpu), 9);
	ck_assert_int_eq(ax_vcpu_unbind(vcpu, NULL), 0);
	ck_assert_uint_eq(*byte_at(&paged, 2), byte_of(2));
	ck_assert_uint_eq(atomic_load(&paged.handler.vcpu), AX_PAGER_NO_VCPU);
	close_paged(&paged);
}
END_TEST

START_TEST(handler_is_kept_from_waiting_for_itself)
{
	struct paged paged;

	new_paged(&paged, 0);
	atomic_store(&paged.handler.vm, paged.vm);
	ck_assert_uint_eq(*byte_at(&paged, 0), byte_of(0));
	ck_assert_int_eq(atomic_load(&paged.handler.own_access), -EDEADLK);
	ck_assert_int_eq(ax_pager_provide(paged.pager, gpa_of(&paged, PAGES - 1), NULL,
					  paged.handler.page, NULL),
			 0);
	ck_assert_uint_eq(*byte_at(&paged, 1), byte_of(1));
	ck_assert_int_eq(atomic_load(&paged.handler.own_access), 0);
	close_paged(&paged);
}
END_TEST

/* Reads a byte of each page in an order of its own. */
struct toucher {
	struct paged *paged;
	pthread_t thread;
	unsigned first, step, pages;
	bool by_copy;
	unsigned wrong;
};

static void *touch(void *opaque)
{
	struct toucher *toucher = opaque;
	struct paged *paged = toucher->paged;

	for (unsigned i = 0; i < toucher->pages; i++) {
		unsigned page = (toucher->first + i * toucher->step) % PAGES;
		uint8_t byte;

		if (!toucher->by_copy)
			byte = *byte_at(paged, page);
		else if (ax_mem_read(paged->vm, gpa_of(paged, page), &byte, 1))
			byte = (uint8_t)~byte_of(page);
		toucher->wrong += byte != byte_of(page);
	}
	return NULL;
}

static void start(struct toucher *toucher)
{
	ck_assert_int_eq(pthread_create(&toucher->thread, NULL, touch, toucher), 0);
}

static void check_threads(unsigned ram_flags)
{
	struct toucher touchers[THREADS];
	struct paged paged;

	new_paged(&paged, ram_flags);
	for (unsigned i = 0; i < THREADS; i++) {
		touchers[i] = (struct toucher){ .paged = &paged,
						.first = i / 2,
						.step = i % 2 ? 1 : 3,
						.pages = PAGES,
						.by_copy = i % 2 };
		start(&touchers[i]);
	}
	/* And pushed from behind. */
	for (unsigned page = PAGES - 1; page > PAGES / 2; page--) {
		uint8_t bytes[65536];

		ck_assert_uint_le(paged.handler.page, sizeof(bytes));
		memset(bytes, byte_of(page), paged.handler.page);
		ck_assert_int_eq(ax_pager_provide(paged.pager, gpa_of(&paged, page), bytes,
						  paged.handler.page, NULL),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(touchers[i].thread, NULL);
		ck_assert_uint_eq(touchers[i].wrong, 0);
	}
	for (unsigned i = 0; i < PAGES; i++)
		ck_assert_uint_le(atomic_load(&paged.handler.asked[i]), 1);
	close_paged(&paged);
}

START_TEST(pages_that_many_threads_want_come_once)
{
	for (unsigned i = 0; i < 20; i++)
		check_threads(i % 2 ? AX_RAM_MEMFD : 0);
}
END_TEST

START_TEST(late_pages_come_from_another_thread)
{
	struct paged paged;
	struct toucher toucher = { .paged = &paged, .first = 3, .pages = 1, .by_copy = _i };
	uint8_t bytes[65536];

	new_paged(&paged, 0);
	atomic_store(&paged.handler.answer, AX_PAGE_LATER);
	start(&toucher);
	wait_total(&paged, 1);
	memset(bytes, byte_of(3), sizeof(bytes));
	ck_assert_int_eq(
		ax_pager_provide(paged.pager, gpa_of(&paged, 3), bytes, paged.handler.page, NULL),
		0);
	pthread_join(toucher.thread, NULL);
	ck_assert_uint_eq(toucher.wrong, 0);
	ck_assert_uint_eq(atomic_load(&paged.handler.total), 1);
	close_paged(&paged);
}
END_TEST

/* By the library's own ways: an access by pointer would end the process (SIGSEGV). */
START_TEST(failed_page_is_an_error_for_the_host)
{
	struct paged paged;
	struct toucher toucher = { .paged = &paged, .first = 3, .pages = 1, .by_copy = true };
	AxMemView view;
	uint8_t byte;

	new_paged(&paged, 0);
	atomic_store(&paged.handler.answer, AX_PAGE_FAILED);
	ck_assert_int_eq(ax_mem_read(paged.vm, gpa_of(&paged, 0), &byte, 1), -EFAULT);
	ck_assert_int_eq(ax_mem_write(paged.vm, gpa_of(&paged, 1), &byte, 1), -EFAULT);
	ck_assert_int_eq(ax_mem_get(paged.vm, gpa_of(&paged, 2), 1, AX_MEM_WRITE, &view), -EFAULT);
	atomic_store(&paged.handler.answer, AX_PAGE_LATER);
	start(&toucher);
	wait_total(&paged, 4);
	ck_assert_int_eq(
		ax_pager_fail(paged.pager, gpa_of(&paged, 3), 2 * paged.handler.page, NULL), 0);
	pthread_join(toucher.thread, NULL);
	ck_assert_uint_eq(toucher.wrong, 1);
	ck_assert_int_eq(ax_mem_read(paged.vm, gpa_of(&paged, 4), &byte, 1), -EFAULT);
	ck_assert_uint_eq(atomic_load(&paged.handler.total), 4); /* page 4 had failed ahead */
	ck_assert_int_eq(ax_pager_provide(paged.pager, gpa_of(&paged, 3), NULL,
					  2 * paged.handler.page, NULL),
			 0);
	ck_assert_uint_eq(*byte_at(&paged, 3), 0);
	ck_assert_int_eq(ax_pager_destroy(paged.pager, NULL), 0);
	ck_assert_uint_eq(*byte_at(&paged, 0), 0);
	*byte_at(&paged, 1) = 5;
	close_paged(&paged);
}
END_TEST

START_TEST(end_of_the_pager_wakes_all_who_wait)
{
	struct toucher touchers[THREADS];
	struct paged paged;

	for (unsigned round = 0; round < 10; round++) {
		new_paged(&paged, round % 2 ? AX_RAM_MEMFD : 0);
		atomic_store(&paged.handler.answer, AX_PAGE_LATER);
		for (unsigned i = 0; i < THREADS; i++) {
			touchers[i] = (struct toucher){ .paged = &paged,
							.first = i,
							.step = 1,
							.pages = PAGES,
							.by_copy = i % 2 };
			start(&touchers[i]);
		}
		wait_total(&paged, 1 + round % THREADS);
		ck_assert_int_eq(ax_pager_destroy(paged.pager, NULL), 0);
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(touchers[i].thread, NULL);
			ck_assert_uint_eq(touchers[i].wrong, PAGES); /* zeros */
		}
		close_paged(&paged);
	}
}
END_TEST

/* Everything at once, with answers of every kind, and at last the end of it. */
struct chaos {
	struct paged *paged;
	atomic_bool stop;
	atomic_uint next; /* of random numbers */
	atomic_uint bad;  /* bytes that no page can have */
};

static unsigned random_below(struct chaos *chaos, unsigned limit)
{
	unsigned number = atomic_fetch_add(&chaos->next, 1) * 0x9e3779b1u;

	return (number >> 16) % limit;
}

static AxPageAnswer answer_anything(AxPager *pager, void *opaque, const AxVCpuExitReason *exit,
				    void *page, size_t size)
{
	struct chaos *chaos = opaque;
	uint64_t index = (exit->nested_page_fault.addr - RAM_BASE) / size;

	(void)pager;
	memset(page, byte_of(index), size);
	return (AxPageAnswer)random_below(chaos, 4);
}

static void *read_anything(void *opaque)
{
	struct chaos *chaos = opaque;
	struct paged *paged = chaos->paged;

	while (!atomic_load(&chaos->stop)) {
		unsigned page = random_below(chaos, PAGES);
		uint8_t byte = 0;
		int ret = ax_mem_read(paged->vm, gpa_of(paged, page), &byte, 1);

		if ((ret && ret != -EFAULT) || (byte && byte != byte_of(page)))
			atomic_fetch_add(&chaos->bad, 1);
	}
	return NULL;
}

static void *answer_late(void *opaque)
{
	struct chaos *chaos = opaque;
	struct paged *paged = chaos->paged;
	uint64_t size = paged->handler.page;
	uint8_t bytes[65536];

	while (!atomic_load(&chaos->stop)) {
		unsigned page = random_below(chaos, PAGES);
		uint64_t gpa = gpa_of(paged, page);
		int ret;

		memset(bytes, byte_of(page), size);
		if (random_below(chaos, 3))
			ret = ax_pager_provide(paged->pager, gpa,
					       random_below(chaos, 2) ? bytes : NULL, size, NULL);
		else
			ret = ax_pager_fail(paged->pager, gpa, size, NULL);
		atomic_fetch_add(&chaos->bad, ret != 0);
	}
	return NULL;
}

START_TEST(any_mixture_of_answers_leaves_nobody_waiting)
{
	static const AxPagerOps chaos_ops = { .size = sizeof(chaos_ops), .fill = answer_anything };
	const struct timespec a_moment = { .tv_nsec = 3000000 };

	for (unsigned round = 0; round < 60; round++) {
		AxPagerConfig config = AX_PAGER_CONFIG_INIT;
		pthread_t readers[THREADS], writer;
		struct paged paged;
		struct chaos chaos = { .paged = &paged };

		atomic_store(&chaos.next, round * 1000);
		new_paged(&paged, round % 2 ? AX_RAM_MEMFD : 0);
		ck_assert_int_eq(ax_pager_destroy(paged.pager, NULL), 0);
		config.base = RAM_BASE;
		config.ops = &chaos_ops;
		config.opaque = &chaos;
		ck_assert_int_eq(ax_pager_create(paged.vm, &config, &paged.pager, NULL), 0);
		for (unsigned i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&readers[i], NULL, read_anything, &chaos),
					 0);
		ck_assert_int_eq(pthread_create(&writer, NULL, answer_late, &chaos), 0);
		nanosleep(&a_moment, NULL);
		atomic_store(&chaos.stop, true);
		pthread_join(writer, NULL);
		/* Readers may wait for a page that nobody will give any more. */
		ck_assert_int_eq(ax_pager_destroy(paged.pager, NULL), 0);
		for (unsigned i = 0; i < THREADS; i++)
			pthread_join(readers[i], NULL);
		ck_assert_uint_eq(atomic_load(&chaos.bad), 0);
		close_paged(&paged);
	}
}
END_TEST

START_TEST(discarded_pages_are_zero_pages)
{
	struct paged paged;

	new_paged(&paged, 0);
	ck_assert_uint_eq(*byte_at(&paged, 5), byte_of(5));
	ck_assert_int_eq(madvise((void *)byte_at(&paged, 5), paged.handler.page, MADV_DONTNEED), 0);
	ck_assert_uint_eq(*byte_at(&paged, 5), 0);
	ck_assert_uint_eq(atomic_load(&paged.handler.total), 1);
	close_paged(&paged);
}
END_TEST

/* By the library's own call: also pages that nobody has asked for yet, and the handler never is. */
static void check_returned(unsigned ram_flags)
{
	struct paged paged;
	uint64_t discarded;
	uint8_t byte = 1;

	new_paged(&paged, ram_flags);
	ck_assert_uint_eq(*byte_at(&paged, 5), byte_of(5));
	ck_assert_int_eq(ax_ram_discard(paged.vm, gpa_of(&paged, 4), 4 * paged.handler.page,
					&discarded, NULL),
			 0);
	ck_assert_uint_eq(discarded, 4 * paged.handler.page);
	ck_assert_int_eq(ax_mem_read(paged.vm, gpa_of(&paged, 5), &byte, 1), 0);
	ck_assert_uint_eq(byte, 0);
	ck_assert_uint_eq(*byte_at(&paged, 4), 0);
	*byte_at(&paged, 6) = 7;
	ck_assert_uint_eq(*byte_at(&paged, 6), 7);
	/* What is given afterwards does not come. */
	ck_assert_int_eq(
		ax_pager_provide(paged.pager, gpa_of(&paged, 7), NULL, paged.handler.page, NULL),
		0);
	ck_assert_uint_eq(*byte_at(&paged, 7), 0);
	ck_assert_uint_eq(atomic_load(&paged.handler.total), 1);
	ck_assert_uint_eq(*byte_at(&paged, 8), byte_of(8));
	close_paged(&paged);
}

START_TEST(returned_pages_are_not_asked_for_again)
{
	check_returned(0);
	check_returned(AX_RAM_MEMFD);
}
END_TEST

/* Its own look at such a page would wait for itself. */
START_TEST(handler_that_looks_at_returned_pages_is_told_so)
{
	struct paged paged;

	new_paged(&paged, 0);
	ck_assert_int_eq(
		ax_ram_discard(paged.vm, gpa_of(&paged, PAGES - 1), paged.handler.page, NULL, NULL),
		0);
	atomic_store(&paged.handler.vm, paged.vm);
	ck_assert_uint_eq(*byte_at(&paged, 1), byte_of(1));
	ck_assert_int_eq(atomic_load(&paged.handler.own_access), -EDEADLK);
	close_paged(&paged);
}
END_TEST

START_TEST(probe_says_that_it_works)
{
	AxProbeHost host = { .size = sizeof(host) };
	AxProbe *probe;

	ck_assert_int_eq(ax_probe_new(NULL, &probe, NULL), 0);
	ck_assert(ax_probe_host(probe, 0, &host));
	ck_assert_str_eq(host.name, "userfaultfd");
	ck_assert(host.works);
	ck_assert_ptr_null(host.without);
	ax_probe_free(probe);
}
END_TEST

/* Whether the host lets us: else ends with the reason. */
static void check_host(void)
{
	AxProbeHost host = { .size = sizeof(host) };
	AxProbe *probe;

	/* It runs one thread at a time: while one waits for a page, the pager's never runs. */
	if (getenv("AXVMM_UNDER_VALGRIND")) {
		puts("SKIP: a page that is waited for inside valgrind never comes");
		exit(77);
	}
	fake_sys_reset();
	if (ax_probe_new(NULL, &probe, NULL) || !ax_probe_host(probe, 0, &host))
		exit(99);
	if (!host.works) {
		printf("SKIP: %s\n", host.without);
		exit(77);
	}
	ax_probe_free(probe);
}

int main(void)
{
	Suite *suite = suite_create("pager-real");
	TCase *cases = tcase_create("pager-real");
	SRunner *runner = srunner_create(suite);
	int failed;

	check_host();
	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, core_setup, core_teardown);
	tcase_add_test(cases, first_touch_asks_for_the_page);
	tcase_add_test(cases, page_that_is_there_is_not_asked_for);
	tcase_add_test(cases, owner_of_a_vcpu_is_named);
	tcase_add_test(cases, handler_is_kept_from_waiting_for_itself);
	tcase_add_test(cases, pages_that_many_threads_want_come_once);
	tcase_add_loop_test(cases, late_pages_come_from_another_thread, 0, 2);
	tcase_add_test(cases, failed_page_is_an_error_for_the_host);
	tcase_add_test(cases, end_of_the_pager_wakes_all_who_wait);
	tcase_add_test(cases, any_mixture_of_answers_leaves_nobody_waiting);
	tcase_add_test(cases, discarded_pages_are_zero_pages);
	tcase_add_test(cases, returned_pages_are_not_asked_for_again);
	tcase_add_test(cases, handler_that_looks_at_returned_pages_is_told_so);
	tcase_add_test(cases, probe_says_that_it_works);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
