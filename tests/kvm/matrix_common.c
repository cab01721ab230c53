/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of the exit matrix that are the same on every architecture: what the host does to a
 * guest.
 */
#include "matrix.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <axvmm/pager.h>

#include "core/vm.h"
#include "sys/sys.h"

#define SLOT_BASE 0x40000000

/* Word 3 of "copy": how many words. */
#define WORDS 4

/* A VM whose code reads from RAM of one page of the host's, of its own. Returns the page's size. */
static size_t open_copy(struct code_vm *vm)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	AxError err = AX_ERROR_INIT;

	code_open(vm, NULL, CODE(copy));
	ck_ok(ax_ram_add(vm->vm, SLOT_BASE, page, 0, &err), err);
	code_set_word(vm, 0, 1, SLOT_BASE);
	code_set_word(vm, 0, 2, CODE_SCRATCH);
	code_set_word(vm, 0, 3, WORDS);
	return page;
}

struct taken {
	void *page;
	size_t size;
};

static AxHandled give_back(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	const struct taken *taken = opaque;

	ck_assert_int_eq(mprotect(taken->page, taken->size, PROT_READ | PROT_WRITE), 0);
	return AX_HANDLED;
}

static void take_page_away(void)
{
	static const AxEventOps ops = { .size = sizeof(ops), .page_fault = give_back };
	AxError err = AX_ERROR_INIT;
	struct taken taken;
	struct code_vm vm;
	AxMemView view;

	taken.size = open_copy(&vm);
	ck_assert_int_eq(ax_mem_get(vm.vm, SLOT_BASE, taken.size, AX_MEM_READ, &view), 0);
	taken.page = view.host;
	ax_mem_put(vm.vm, &view, 0);
	ck_ok(ax_event_set(vm.vm, &ops, &taken, &err), err);
	ck_assert_int_eq(mprotect(taken.page, taken.size, PROT_NONE), 0);
	matrix_run_code(&vm);
}

/* Signals for a thread that is inside KVM_RUN, again and again until it says that one came. */
struct signaller {
	pthread_t target;
	int signal_number;
	atomic_bool ended;
};

static void *send_signals(void *opaque)
{
	const struct timespec a_moment = { .tv_nsec = 1000000 };
	struct signaller *signaller = opaque;

	while (!atomic_load(&signaller->ended)) {
		pthread_kill(signaller->target, signaller->signal_number);
		nanosleep(&a_moment, NULL);
	}
	return NULL;
}

/* The kick's signal without a kick: as of a profiler. */
static void signal_without_kick(void)
{
	struct signaller signaller = { .target = pthread_self(), .signal_number = SIGRTMIN + 5 };
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVCpuExitReason exit;
	struct code_vm vm;
	pthread_t thread;

	options.kick_signal = signaller.signal_number;
	code_open(&vm, &options, CODE(spin));
	ck_ok(ax_vcpu_bind(vm.vcpu, AX_ANY_CPU, &err), err);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_signals, &signaller), 0);
	ck_ok(ax_vcpu_run(vm.vcpu, &exit, &err), err);
	matrix_see(exit.kind, matrix_raw(vm.vcpu));
	atomic_store(&signaller.ended, true);
	pthread_join(thread, NULL);
	code_close(&vm);
}

static AxPageAnswer give_page(AxPager *pager, void *opaque, const AxVCpuExitReason *exit,
			      void *page, size_t size)
{
	matrix_see(exit->kind, MATRIX_RAW_PAGER);
	return AX_PAGE_ZERO;
}

static void ask_the_pager(void)
{
	static const AxPagerOps ops = { sizeof(ops), give_page };
	AxPagerConfig config = AX_PAGER_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxPager *pager;
	struct code_vm vm;
	int ret;

	config.length = open_copy(&vm);
	config.base = SLOT_BASE;
	config.ops = &ops;
	ret = ax_pager_create(vm.vm, &config, &pager, &err);
	if (ret == -EACCES || ret == -ENOTSUP) {
		matrix_cannot("%s", err.message);
		code_close(&vm);
		return;
	}
	ck_ok(ret, err);
	matrix_run_code(&vm);
}

/*
 * An exit that the library has no name for. The test has KVM keep a ring of pages that were written
 * to, which the library does not ask for, and its guest fills it.
 */
#define RING_BYTES 16384 /* as small as KVM allows, which keeps some of it for itself */
#define RING_PAGES (RING_BYTES / sizeof(struct kvm_dirty_gfn))
#define RING_SLOT  300 /* above all of the library's */

static int make_dirty_ring(AxVm *vm)
{
	int ret = sys_enable_cap(vm->fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, RING_BYTES, 0);

	return ret < 0 ? sys_enable_cap(vm->fd, KVM_CAP_DIRTY_LOG_RING, RING_BYTES, 0) : ret;
}

static void fill_the_dirty_ring(void)
{
	size_t size = RING_PAGES * (size_t)sysconf(_SC_PAGESIZE);
	struct kvm_userspace_memory_region slot = { .slot = RING_SLOT,
						    .flags = KVM_MEM_LOG_DIRTY_PAGES,
						    .guest_phys_addr = SLOT_BASE,
						    .memory_size = size };
	AxVmResult result = AX_VM_RESULT_INIT;
	AxError err = AX_ERROR_INIT;
	struct code_vm vm;
	void *memory;
	int ret;

	code_open_vm(&vm, NULL, CODE(sweep));
	ret = make_dirty_ring(vm.vm);
	if (ret < 0) {
		matrix_cannot("KVM_CAP_DIRTY_LOG_RING: %s", strerror(-ret));
		code_close(&vm);
		return;
	}
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(memory != MAP_FAILED);
	slot.userspace_addr = (uintptr_t)memory;
	ck_assert_int_ge(sys_ioctl_struct(vm.vm->fd, KVM_SET_USER_MEMORY_REGION, &slot), 0);
	code_add_vcpu(&vm, 0);
	code_set_word(&vm, 0, 1, SLOT_BASE);
	code_set_word(&vm, 0, 2, SLOT_BASE + size);
	ck_ok(ax_observer_set(vm.vm, &matrix_observer, NULL, &err), err);
	ck_ok(ax_vm_run(vm.vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_exit_kind(&result.exit, AX_EXIT_UNSUPPORTED);
	ck_assert_uint_eq(result.exit.unsupported.raw, KVM_EXIT_DIRTY_RING_FULL);
	code_close(&vm);
	munmap(memory, size);
}

const struct matrix_scenario matrix_common[] = {
	{ AX_EXIT_NOTHING, "a signal that is no kick", MATRIX_NATIVE, signal_without_kick },
	{ AX_EXIT_NESTED_PAGE_FAULT, "RAM taken away by mprotect()", MATRIX_NATIVE,
	  take_page_away },
	{ AX_EXIT_NESTED_PAGE_FAULT, "a page that the pager has to give", MATRIX_NATIVE,
	  ask_the_pager },
	{ AX_EXIT_UNSUPPORTED, "a dirty ring of the test's is full", MATRIX_NATIVE,
	  fill_the_dirty_ring },
	{ 0, NULL, MATRIX_NATIVE, NULL },
};
