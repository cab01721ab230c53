/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of buffers: building one from descriptors, each of which is checked here, and moving bytes
 * into and out of it.
 */
#include <stdlib.h>
#include <string.h>

#include "dev/virtio/mmio.h"
#include "dev/virtio/ring.h"

struct virtq_chain *virtq_chain_new(uint32_t capacity)
{
	struct virtq_chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return NULL;
	chain->capacity = capacity;
	chain->iov = calloc(capacity, sizeof(*chain->iov));
	chain->views = calloc(capacity, sizeof(*chain->views));
	if (chain->iov && chain->views)
		return chain;
	virtq_chain_free(chain);
	return NULL;
}

void virtq_chain_free(struct virtq_chain *chain)
{
	if (!chain)
		return;
	free(chain->iov);
	free(chain->views);
	free(chain);
}

void virtio_look_for_read_only(AxVirtio *virtio)
{
	AxRamInfo info;

	virtio->read_only_ram = false;
	for (unsigned i = 0; ax_ram_info(virtio->link.vm, i, &info); i++) {
		if (info.flags & AX_RAM_READONLY)
			virtio->read_only_ram = true;
	}
}

bool virtio_may_write(AxVirtio *virtio, uint64_t addr)
{
	AxRamInfo info;

	if (!virtio->read_only_ram)
		return true;
	for (unsigned i = 0; ax_ram_info(virtio->link.vm, i, &info); i++) {
		if (addr - info.base < info.size)
			return !(info.flags & AX_RAM_READONLY);
	}
	return false;
}

void virtq_chain_begin(struct virtq_chain *chain)
{
	chain->out_count = chain->in_count = 0;
	chain->out_len = chain->in_len = 0;
}

bool virtq_chain_add(AxVirtio *virtio, struct virtq_chain *chain, uint64_t addr, uint32_t len,
		     bool writable)
{
	uint32_t at = chain->out_count + chain->in_count;
	AxMemView *view = &chain->views[at];

	/* Section 2.7.4.2: what the device writes comes last. */
	if (at == chain->capacity || (!writable && chain->in_count))
		return false;
	/* Section 2.7.5: no more than 2^32 bytes in all; with 2^32 - 1 a length has room in 32 bits. */
	if (len > UINT32_MAX - chain->out_len - chain->in_len)
		return false;
	/* That refuses a length of 0, too. */
	if (ax_mem_get(virtio->link.vm, addr, len, writable ? AX_MEM_WRITE : AX_MEM_READ, view))
		return false;
	if (writable && !virtio_may_write(virtio, addr)) {
		ax_mem_put(virtio->link.vm, view, 0);
		return false;
	}
	chain->iov[at] = (struct iovec){ .iov_base = view->host, .iov_len = len };
	if (writable) {
		chain->in_count++;
		chain->in_len += len;
	} else {
		chain->out_count++;
		chain->out_len += len;
	}
	return true;
}

void virtq_chain_drop(AxVirtio *virtio, struct virtq_chain *chain, uint32_t written)
{
	uint32_t count = chain->out_count + chain->in_count;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t len = 0;

		if (i >= chain->out_count) {
			len = chain->iov[i].iov_len;
			if (len > written)
				len = written;
			written -= (uint32_t)len;
		}
		ax_mem_put(virtio->link.vm, &chain->views[i], len);
	}
	virtq_chain_begin(chain);
}

bool virtq_table_get(const struct virtq *queue, uint64_t addr, uint32_t len, AxMemView *view,
		     uint32_t *count)
{
	AxVirtio *virtio = queue->virtio;

	if (!virtio_has(virtio, VIRTIO_F_INDIRECT_DESC) || len % 16)
		return false;
	*count = len / 16;
	return !ax_mem_get(virtio->link.vm, addr, len, AX_MEM_READ, view);
}

/* Copy between @buffer and @iov from @offset on. */
static size_t copy(const struct iovec *iov, uint32_t count, uint64_t offset, void *buffer,
		   size_t len, bool to_iov)
{
	size_t done = 0;

	for (uint32_t i = 0; i < count && done < len; i++) {
		size_t now = iov[i].iov_len;
		uint8_t *base = iov[i].iov_base;

		if (offset >= now) {
			offset -= now;
			continue;
		}
		now -= offset;
		if (now > len - done)
			now = len - done;
		if (to_iov)
			memcpy(base + offset, (const uint8_t *)buffer + done, now);
		else
			memcpy((uint8_t *)buffer + done, base + offset, now);
		offset = 0;
		done += now;
	}
	return done;
}

/* The guest address of the byte at @offset. */
static uint64_t address(const AxMemView *views, uint32_t count, uint64_t offset)
{
	for (uint32_t i = 0; i < count; i++) {
		if (offset < views[i].len)
			return views[i].gpa + offset;
		offset -= views[i].len;
	}
	return 0;
}

size_t virtq_read(const struct virtq_chain *chain, uint64_t offset, void *buffer, size_t len)
{
	size_t done = copy(chain->iov, chain->out_count, offset, buffer, len, false);

	if (chain->record && done)
		ax_record_input(chain->record, AX_RECORD_MEMORY,
				address(chain->views, chain->out_count, offset), buffer, done);
	return done;
}

size_t virtq_write(struct virtq_chain *chain, uint64_t offset, const void *buffer, size_t len)
{
	size_t done = copy(chain->iov + chain->out_count, chain->in_count, offset, (void *)buffer,
			   len, true);

	if (chain->record && done)
		ax_record_output(chain->record, AX_RECORD_WRITTEN,
				 address(chain->views + chain->out_count, chain->in_count, offset),
				 buffer, done);
	return done;
}

unsigned virtq_slice(const struct iovec *iov, unsigned count, uint64_t offset, uint64_t len,
		     struct iovec *out, unsigned max, uint64_t *got)
{
	unsigned used = 0;

	*got = 0;
	for (unsigned i = 0; i < count && used < max && *got < len; i++) {
		uint64_t now = iov[i].iov_len;

		if (offset >= now) {
			offset -= now;
			continue;
		}
		now -= offset;
		if (now > len - *got)
			now = len - *got;
		out[used++] = (struct iovec){ (uint8_t *)iov[i].iov_base + offset, now };
		*got += now;
		offset = 0;
	}
	return used;
}
