/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame of the pager's unit tests: a VM with a piece of RAM, a handler that is told what to answer
 * and notes what it was asked, on the fake userfaultfd.
 */
#ifndef AXVMM_TESTS_UNIT_PAGER_FIXTURE_H
#define AXVMM_TESTS_UNIT_PAGER_FIXTURE_H

#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/core_fixture.h"
#include "tests/unit/fake_uffd.h"

#define PAGE	 4096
#define RAM_BASE 0x100000
#define RAM_SIZE (16 * PAGE)
#define FILLING	 0x5a /* a page that was filled has these bytes */

struct handler {
	AxPageAnswer answer;
	unsigned calls; /* atomic */
	AxVCpuExitReason exit;
	size_t size;
	bool was_zero; /* the page that it was given */
	char name[16]; /* of its thread */
	char log[512]; /* of the VM, its last line */
};

static inline AxPageAnswer handler_fill(AxPager *pager, void *opaque, const AxVCpuExitReason *exit,
					void *page, size_t size)
{
	static const uint8_t zeros[PAGE];
	struct handler *handler = opaque;

	(void)pager;
	handler->exit = *exit;
	handler->size = size;
	handler->was_zero = !memcmp(page, zeros, sizeof(zeros));
	pthread_getname_np(pthread_self(), handler->name, sizeof(handler->name));
	memset(page, FILLING, size);
	__atomic_fetch_add(&handler->calls, 1, __ATOMIC_SEQ_CST);
	return handler->answer;
}

static const AxPagerOps handler_ops = { .size = sizeof(AxPagerOps), .fill = handler_fill };

static inline void keep_log(void *opaque, AxLogLevel level, const char *message)
{
	struct handler *handler = opaque;

	(void)level;
	snprintf(handler->log, sizeof(handler->log), "%s", message);
}

static inline unsigned handler_calls(struct handler *handler)
{
	return __atomic_load_n(&handler->calls, __ATOMIC_SEQ_CST);
}

/* Wait until the handler has been called so often. */
static inline void wait_calls(struct handler *handler, unsigned count)
{
	const struct timespec a_moment = { .tv_nsec = 100000 };

	for (unsigned i = 0; handler_calls(handler) < count; i++) {
		ck_assert_msg(i < 100000, "%u calls, not %u", handler_calls(handler), count);
		nanosleep(&a_moment, NULL);
	}
}

/* A VM with RAM that says what it logs to @handler. */
static inline AxVm *pager_vm(struct handler *handler, unsigned ram_flags)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm = NULL;

	memset(handler, 0, sizeof(*handler));
	options.log = keep_log;
	options.log_opaque = handler;
	ck_assert_msg(!ax_vm_create(&options, &vm, &err), "%s", err.message);
	ck_assert_msg(!ax_ram_add(vm, RAM_BASE, RAM_SIZE, ram_flags, &err), "%s", err.message);
	return vm;
}

static inline int try_pager(AxVm *vm, struct handler *handler, AxPager **pager, AxError *err)
{
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;

	config.base = RAM_BASE;
	config.ops = &handler_ops;
	config.opaque = handler;
	return ax_pager_create(vm, &config, pager, err);
}

static inline AxPager *add_pager(AxVm *vm, struct handler *handler)
{
	AxError err = AX_ERROR_INIT;
	AxPager *pager = NULL;

	ck_assert_msg(!try_pager(vm, handler, &pager, &err), "%s", err.message);
	return pager;
}

static inline uint32_t my_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* The host's address of the RAM's page with this number. */
static inline uint8_t *page_at(unsigned page)
{
	return (uint8_t *)fake_uffd_start() + (size_t)page * PAGE;
}

#define GPA_OF(page) (RAM_BASE + (uint64_t)(page)*PAGE)

static inline void pager_setup(void)
{
	core_setup();
	fake_uffd_reset();
}

static inline void pager_teardown(void)
{
	ck_assert_uint_eq(fake_uffd_open_count(), 0);
	core_teardown();
}

#define RUN_PAGER_TESTS(suite_name, ...)                                       \
	int main(void)                                                         \
	{                                                                      \
		const TTest *const tests[] = { __VA_ARGS__ };                  \
		Suite *suite = suite_create(suite_name);                       \
		TCase *cases = tcase_create(suite_name);                       \
		SRunner *runner = srunner_create(suite);                       \
		int failed;                                                    \
                                                                               \
		tcase_set_timeout(cases, 60);                                  \
		tcase_add_checked_fixture(cases, pager_setup, pager_teardown); \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)  \
			tcase_add_test(cases, tests[i]);                       \
		suite_add_tcase(suite, cases);                                 \
		srunner_run_all(runner, CK_ENV);                               \
		failed = srunner_ntests_failed(runner);                        \
		srunner_free(runner);                                          \
		return failed ? 1 : 0;                                         \
	}

#endif
