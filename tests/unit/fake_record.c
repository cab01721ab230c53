/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake KVM's book: calls that were made, calls that are to fail, capabilities.
 */
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define RECORD_MAX   16384
#define RULES_MAX    64
#define REQUESTS_MAX 128
#define CAPS_MAX     512

#define EVERY_REQUEST (~0UL)

struct rule {
	unsigned long request;
	bool every;
	unsigned countdown; /* strikes when it reaches 0, once */
	int os_errno;	    /* 0: used up */
};

struct counter {
	unsigned long request;
	unsigned calls;
	bool forced;
	int result;
};

static struct {
	struct fake_call *calls[RECORD_MAX];
	unsigned recorded;
	unsigned all;
	struct counter counters[REQUESTS_MAX];
	unsigned counter_count;
	struct rule rules[RULES_MAX];
	unsigned rule_count;
	unsigned struck;
	bool cap_set[CAPS_MAX];
	int cap[CAPS_MAX];
} book;

void fake_record_reset(void)
{
	for (unsigned i = 0; i < book.recorded; i++)
		free(book.calls[i]);
	memset(&book, 0, sizeof(book));
}

static struct counter *counter_of(unsigned long request)
{
	for (unsigned i = 0; i < book.counter_count; i++)
		if (book.counters[i].request == request)
			return &book.counters[i];
	if (book.counter_count == REQUESTS_MAX)
		abort();
	book.counters[book.counter_count].request = request;
	return &book.counters[book.counter_count++];
}

struct fake_call *fake_record(const struct fake_object *object, unsigned long request,
			      uintptr_t arg, const void *bytes, size_t size)
{
	struct fake_call *call;

	counter_of(request)->calls++;
	book.all++;
	if (book.recorded == RECORD_MAX)
		return NULL;
	call = calloc(1, sizeof(*call) + size);
	if (!call)
		abort();
	call->request = request;
	call->fd = object ? object->fd : -1;
	call->number = object ? object->number : 0;
	call->arg = arg;
	if (size) {
		memcpy(call + 1, bytes, size);
		call->bytes = call + 1;
		call->size = size;
	}
	book.calls[book.recorded++] = call;
	return call;
}

static void add_rule(unsigned long request, unsigned nth, int os_errno)
{
	fake_lock();
	if (book.rule_count == RULES_MAX)
		abort();
	book.rules[book.rule_count++] = (struct rule){
		.request = request, .every = !nth, .countdown = nth, .os_errno = os_errno
	};
	fake_unlock();
}

void fake_fail(unsigned long request, unsigned nth, int os_errno)
{
	add_rule(request, nth, os_errno);
}

void fake_fail_any(unsigned nth, int os_errno)
{
	add_rule(EVERY_REQUEST, nth, os_errno);
}

void fake_fail_clear(void)
{
	fake_lock();
	book.rule_count = 0;
	fake_unlock();
}

unsigned fake_failed(void)
{
	unsigned struck;

	fake_lock();
	struck = book.struck;
	fake_unlock();
	return struck;
}

int fake_strike(unsigned long request)
{
	int os_errno = 0;

	/* All rules count, whichever strikes. */
	for (unsigned i = 0; i < book.rule_count; i++) {
		struct rule *rule = &book.rules[i];

		if (!rule->os_errno || (rule->request != request && rule->request != EVERY_REQUEST))
			continue;
		if (!rule->every && --rule->countdown)
			continue;
		os_errno = rule->os_errno;
		if (!rule->every)
			rule->os_errno = 0;
	}
	book.struck += os_errno != 0;
	return os_errno;
}

void fake_set_result(unsigned long request, int ret)
{
	fake_lock();
	counter_of(request)->forced = true;
	counter_of(request)->result = ret;
	fake_unlock();
}

int fake_result(unsigned long request, int ret)
{
	const struct counter *counter = counter_of(request);

	return counter->forced ? counter->result : ret;
}

void fake_set_cap(unsigned cap, int value)
{
	fake_lock();
	if (cap >= CAPS_MAX)
		abort();
	book.cap_set[cap] = true;
	book.cap[cap] = value;
	fake_unlock();
}

/* What every architecture's KVM has. */
static const struct fake_cap_value common_caps[] = {
	{ KVM_CAP_USER_MEMORY, 1 },    { KVM_CAP_NR_VCPUS, 8 },
	{ KVM_CAP_MAX_VCPUS, 64 },     { KVM_CAP_MAX_VCPU_ID, 256 },
	{ KVM_CAP_NR_MEMSLOTS, 509 },  { KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_IRQCHIP, 1 },	       { KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },      { KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },     { KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 }, { KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },  { KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_ONE_REG, 1 },	       { KVM_CAP_BINARY_STATS_FD, 1 },
};

int fake_cap(unsigned cap)
{
	if (cap < CAPS_MAX && book.cap_set[cap])
		return book.cap[cap];
	for (unsigned i = 0; i < fake_arch_cap_count; i++)
		if (fake_arch_caps[i].cap == cap)
			return fake_arch_caps[i].value;
	for (unsigned i = 0; i < sizeof(common_caps) / sizeof(common_caps[0]); i++)
		if (common_caps[i].cap == cap)
			return common_caps[i].value;
	return 0;
}

unsigned fake_calls(unsigned long request)
{
	unsigned calls;

	fake_lock();
	calls = counter_of(request)->calls;
	fake_unlock();
	return calls;
}

unsigned fake_calls_all(void)
{
	unsigned all;

	fake_lock();
	all = book.all;
	fake_unlock();
	return all;
}

const struct fake_call *fake_call(unsigned long request, unsigned index)
{
	const struct fake_call *call = NULL;

	fake_lock();
	for (unsigned i = 0; !call && i < book.recorded; i++)
		if (book.calls[i]->request == request && !index--)
			call = book.calls[i];
	fake_unlock();
	return call;
}

const struct fake_call *fake_last_call(unsigned long request)
{
	const struct fake_call *call = NULL;

	fake_lock();
	for (unsigned i = book.recorded; !call && i > 0; i--)
		if (book.calls[i - 1]->request == request)
			call = book.calls[i - 1];
	fake_unlock();
	return call;
}

const struct fake_call *fake_call_at(unsigned index)
{
	const struct fake_call *call;

	fake_lock();
	call = index < book.recorded ? book.calls[index] : NULL;
	fake_unlock();
	return call;
}
