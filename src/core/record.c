/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording that is being made: units, what stands in them, and the file. See record.h.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "core/error.h"
#include "core/record.h"

/* So many bytes are collected before the file gets them. */
#define FLUSH_SIZE (64u << 10)

static void init_locks(AxRecord *record)
{
	pthread_mutexattr_t recursive;

	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&record->unit, &recursive);
	pthread_mutexattr_destroy(&recursive);
	pthread_mutex_init(&record->bytes_lock, NULL);
	pthread_mutex_init(&record->handles_lock, NULL);
}

static void fail(AxRecord *record, int os_errno)
{
	if (!record->os_errno)
		record->os_errno = os_errno;
}

/* bytes_lock is held. What cannot be written is gone: the file's end says that there is no more. */
static void flush(AxRecord *record)
{
	size_t done = 0;

	while (record->fd >= 0 && done < record->used && !record->os_errno) {
		ssize_t now = write(record->fd, record->buffer + done, record->used - done);

		if (now > 0)
			done += (size_t)now;
		else if (errno != EINTR)
			fail(record, now ? errno : EIO);
	}
	if (record->fd >= 0)
		record->used = 0;
}

/* Room for @len more bytes; bytes_lock is held. */
static uint8_t *reserve(AxRecord *record, size_t len)
{
	size_t capacity = record->capacity ? record->capacity : FLUSH_SIZE;
	uint8_t *buffer;

	if (record->used >= FLUSH_SIZE)
		flush(record);
	while (capacity - record->used < len)
		capacity *= 2;
	if (capacity != record->capacity) {
		buffer = realloc(record->buffer, capacity);
		if (!buffer) {
			fail(record, ENOMEM);
			return NULL;
		}
		record->buffer = buffer;
		record->capacity = capacity;
	}
	return record->buffer + record->used;
}

static void append_locked(AxRecord *record, enum record_type type, const uint8_t *payload,
			  size_t len, const void *more, size_t more_len)
{
	uint8_t *to, *from;

	if (record->os_errno || record->finished)
		return;
	to = reserve(record, 16 + len + more_len);
	if (!to)
		return;
	from = to;
	*to++ = (uint8_t)type;
	to += record_put_number(to, len + more_len);
	if (len)
		memcpy(to, payload, len);
	to += len;
	if (more_len)
		memcpy(to, more, more_len);
	to += more_len;
	record->used += (size_t)(to - from);
	record->size += (uint64_t)(to - from);
}

void record_append(AxRecord *record, enum record_type type, const uint8_t *payload, size_t len,
		   const void *more, size_t more_len)
{
	pthread_mutex_lock(&record->bytes_lock);
	append_locked(record, type, payload, len, more, more_len);
	if (type == RECORD_DONE || type == RECORD_LEAVE)
		record->units++;
	pthread_mutex_unlock(&record->bytes_lock);
}

bool record_begin(AxRecord *record, const char *device)
{
	pthread_mutex_lock(&record->unit);
	if (record->depth++)
		return false;
	atomic_store_explicit(&record->owner, (uintptr_t)pthread_self(), memory_order_relaxed);
	memset(record->current, 0, sizeof(record->current));
	memcpy(record->current, device, strnlen(device, sizeof(record->current) - 1));
	return true;
}

void record_end(AxRecord *record)
{
	if (!--record->depth)
		atomic_store_explicit(&record->owner, 0, memory_order_relaxed);
	pthread_mutex_unlock(&record->unit);
}

void record_exit_begin(AxVCpu *vcpu, const AxVCpuExitReason *exit)
{
	AxRecord *record = vcpu->vm->record;
	uint8_t payload[RECORD_PAYLOAD_MAX];
	char device[RECORD_NAME_SIZE];
	size_t len, more = 0;

	record_device_of(vcpu->vm, exit, device);
	if (!record_begin(record, device) || record->is_replay)
		return;
	len = record_put_exit(payload, exit, vcpu->run->exit_reason);
	if (exit->kind == AX_EXIT_IO_WRITE)
		more = (size_t)exit->io_write.count << exit->io_write.width;
	record_append(record, RECORD_EXIT, payload, len, more ? exit->io_write.bytes : NULL, more);
}

void record_exit_end(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxHandled handled, uint64_t answer)
{
	AxRecord *record = vcpu->vm->record;
	uint8_t payload[RECORD_PAYLOAD_MAX];
	size_t len = 0, more = 0;

	if (!record->is_replay && record_is_outermost(record)) {
		len += record_put_number(payload + len, (uint64_t)handled);
		len += record_put_number(payload + len, answer);
		len += record_put_signed(payload + len,
					 exit->kind == AX_EXIT_HYPERCALL ? vcpu->pending.error : 0);
		if (exit->kind == AX_EXIT_IO_READ && exit->io_read.count > 1)
			more = (size_t)exit->io_read.count << exit->io_read.width;
		record_append(record, RECORD_DONE, payload, len, more ? exit->io_read.bytes : NULL,
			      more);
	}
	record_end(record);
}

void record_note(AxRecord *record, enum record_type type, uint32_t kind, uint64_t where,
		 const void *bytes, size_t len)
{
	uint8_t payload[RECORD_PAYLOAD_MAX];
	size_t size = 0, more = len;

	size += record_put_number(payload + size, kind);
	size += record_put_number(payload + size, where);
	if (type == RECORD_OUTPUT)
		size += record_put_number(payload + size, len);
	if (type == RECORD_OUTPUT && len > RECORD_OUTPUT_MAX) {
		size += record_put_number(payload + size, record_sum(bytes, len));
		more = 0;
	}
	record_append(record, type, payload, size, bytes, more);
}

AxRecord *ax_vm_record(const AxVm *vm)
{
	return vm->record;
}

bool ax_record_is_replay(const AxRecord *record)
{
	return record && record->is_replay;
}

void ax_record_input(AxRecord *record, uint32_t kind, uint64_t where, void *bytes, size_t len)
{
	if (!record || !record_in_unit(record))
		return;
	/* A longer one is several, as it is in the replay. */
	do {
		size_t now = len < RECORD_INPUT_MAX ? len : RECORD_INPUT_MAX;

		if (record->is_replay)
			replay_input(record, kind, where, bytes, now);
		else
			record_note(record, RECORD_INPUT, kind, where, bytes, now);
		bytes = (uint8_t *)bytes + now;
		len -= now;
	} while (len);
}

int64_t ax_record_result(AxRecord *record, uint64_t where, int64_t result)
{
	ax_record_input(record, AX_RECORD_RESULT, where, &result, sizeof(result));
	return result;
}

void ax_record_output(AxRecord *record, uint32_t kind, uint64_t where, const void *bytes,
		      size_t len)
{
	if (!record || !record_in_unit(record) || len > UINT32_MAX)
		return;
	if (record->is_replay)
		replay_output(record, kind, where, bytes, len);
	else
		record_note(record, RECORD_OUTPUT, kind, where, bytes, len);
}

void ax_record_enter(AxRecord *record, const char *device, uint32_t what, const void *bytes,
		     size_t len)
{
	uint8_t payload[RECORD_PAYLOAD_MAX];
	size_t size;

	if (!record || !record_begin(record, device) || record->is_replay)
		return;
	size = record_put_name(payload, record->current);
	size += record_put_number(payload + size, what);
	record_append(record, RECORD_OUTSIDE, payload, size, bytes,
		      len < RECORD_INPUT_MAX ? len : RECORD_INPUT_MAX);
}

void ax_record_leave(AxRecord *record)
{
	if (!record)
		return;
	if (!record->is_replay && record_is_outermost(record))
		record_append(record, RECORD_LEAVE, NULL, 0, NULL, 0);
	record_end(record);
}

static struct record_fact *find_fact(AxRecord *record, const char *key)
{
	struct record_fact *facts = record->facts.entries;

	for (size_t i = 0; i < record->facts.count; i++) {
		if (!strcmp(facts[i].key, key))
			return &facts[i];
	}
	return NULL;
}

/* bytes_lock is held. */
static bool keep_fact(AxRecord *record, const char *key, const char *value)
{
	struct record_fact *fact = find_fact(record, key);
	char *copy = strdup(value);

	if (copy && !fact && list_reserve(&record->facts, sizeof(*fact))) {
		fact = (struct record_fact *)record->facts.entries + record->facts.count++;
		memset(fact, 0, sizeof(*fact));
		strncpy(fact->key, key, sizeof(fact->key) - 1);
	}
	if (!copy || !fact) {
		free(copy);
		fail(record, ENOMEM);
		return false;
	}
	free(fact->value);
	fact->value = copy;
	return true;
}

void ax_record_set_fact(AxRecord *record, const char *key, const char *value)
{
	size_t key_len = strlen(key), len = strlen(value);
	uint8_t payload[RECORD_KEY_MAX + NUMBER_BYTES];
	bool fits;
	size_t size;

	if (!key_len || key_len > RECORD_KEY_MAX || len > RECORD_FACT_MAX)
		return;
	size = record_put_name(payload, key);
	pthread_mutex_lock(&record->bytes_lock);
	fits = record->facts.count < RECORD_FACTS_MAX || find_fact(record, key);
	if (fits && keep_fact(record, key, value) && !record->is_replay)
		append_locked(record, RECORD_FACT, payload, size, value, len);
	pthread_mutex_unlock(&record->bytes_lock);
}

const char *ax_record_fact(AxRecord *record, const char *key)
{
	struct record_fact *fact;

	pthread_mutex_lock(&record->bytes_lock);
	fact = find_fact(record, key);
	pthread_mutex_unlock(&record->bytes_lock);
	return fact ? fact->value : NULL;
}

/* The key of a refusal: "refused." and the device. */
static void refusal_key(const char *device, char key[RECORD_KEY_MAX + 1])
{
	memset(key, 0, RECORD_KEY_MAX + 1);
	snprintf(key, RECORD_KEY_MAX + 1, "refused.%.*s", RECORD_NAME_SIZE - 1, device);
}

void ax_record_refuse(AxRecord *record, const char *device, const char *why)
{
	char key[RECORD_KEY_MAX + 1];

	if (!record)
		return;
	refusal_key(device, key);
	ax_record_set_fact(record, key, why);
}

const char *ax_record_refusal(AxRecord *record, const char *device)
{
	char key[RECORD_KEY_MAX + 1];

	refusal_key(device, key);
	return ax_record_fact(record, key);
}

static int open_file(AxRecord *record, const char *path, AxError *err)
{
	record->path = strdup(path);
	if (!record->path)
		return ax_error_nomem(err, "a recording");
	record->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (record->fd >= 0)
		return 0;
	return ax_error_set(err,
			    errno == EACCES || errno == EPERM || errno == EROFS ? -EACCES
			    : errno == ENOENT || errno == ENOTDIR		? -ENOENT
										: -EIO,
			    AX_ERROR_FILE, errno, "%s: the recording cannot be written: %s", path,
			    strerror(errno));
}

static void put_u32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static void write_header(AxRecord *record)
{
	uint8_t *to = reserve(record, RECORD_HEADER_SIZE);

	if (!to)
		return;
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): eight bytes of a file, no text */
	memcpy(to, RECORD_MAGIC, 8);
	put_u32(to + 8, RECORD_VERSION);
	put_u32(to + 12, ARCH_MACHINE);
	record->used += RECORD_HEADER_SIZE;
	record->size += RECORD_HEADER_SIZE;
}

AxRecord *record_alloc(void)
{
	AxRecord *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->fd = -1;
	init_locks(record);
	return record;
}

int ax_record_create(const AxRecordConfig *config, AxRecord **out, AxError *err)
{
	static const AxRecordConfig in_memory = AX_RECORD_CONFIG_INIT;
	AxRecord *record;
	int ret = 0;

	if (!config)
		config = &in_memory;
	if (config->size < sizeof(*config))
		return ax_error_argument(
			err, -EINVAL, "AxRecordConfig.size is not set: use AX_RECORD_CONFIG_INIT");
	record = record_alloc();
	if (!record)
		return ax_error_nomem(err, "a recording");
	if (config->path)
		ret = open_file(record, config->path, err);
	if (!ret)
		write_header(record);
	if (!ret && record->os_errno)
		ret = ax_error_nomem(err, "a recording");
	if (ret) {
		ax_record_free(record);
		return ret;
	}
	*out = record;
	return 0;
}

int ax_record_finish(AxRecord *record, AxError *err)
{
	uint8_t payload[NUMBER_BYTES];
	int os_errno;

	pthread_mutex_lock(&record->bytes_lock);
	append_locked(record, RECORD_END, payload, record_put_number(payload, record->units), NULL,
		      0);
	record->finished = true;
	flush(record);
	os_errno = record->os_errno;
	pthread_mutex_unlock(&record->bytes_lock);
	if (!os_errno)
		return 0;
	return ax_error_set(err,
			    os_errno == ENOSPC	 ? -ENOSPC
			    : os_errno == ENOMEM ? -ENOMEM
						 : -EIO,
			    AX_ERROR_FILE, os_errno, "%s: the recording is not whole: %s",
			    record->path ? record->path : "memory", strerror(os_errno));
}

const void *ax_record_bytes(const AxRecord *record, size_t *len)
{
	*len = record->is_replay ? record->len : record->used;
	return record->is_replay ? record->bytes : record->buffer;
}

uint64_t ax_record_size(AxRecord *record, uint64_t *units)
{
	uint64_t size;

	pthread_mutex_lock(&record->bytes_lock);
	size = record->is_replay ? record->len : record->size;
	if (units)
		*units = record->is_replay ? record->unit_count : record->units;
	pthread_mutex_unlock(&record->bytes_lock);
	return size;
}

void ax_record_free(AxRecord *record)
{
	struct record_fact *facts;

	if (!record)
		return;
	record_host_fini(record);
	facts = record->facts.entries;
	for (size_t i = 0; i < record->facts.count; i++)
		free(facts[i].value);
	list_free(&record->facts);
	if (record->fd >= 0)
		close(record->fd);
	free(record->buffer);
	free(record->path);
	free(record->name);
	free(record->damage);
	pthread_mutex_destroy(&record->unit);
	pthread_mutex_destroy(&record->bytes_lock);
	pthread_mutex_destroy(&record->handles_lock);
	free(record);
}
