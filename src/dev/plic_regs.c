/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PLIC as the guest sees it: priorities, pending bits, enables, thresholds, claim and completion.
 */
#include <axvmm/vm.h>

#include "dev/plic.h"

uint32_t plic_valid_bits(const AxPlic *plic, uint32_t word)
{
	uint32_t bits = UINT32_MAX;

	if (word == plic->sources / 32)
		bits >>= 31 - plic->sources % 32;
	return word ? bits : bits & ~UINT32_C(1);
}

/*
 * The enabled pending source with the highest priority above @threshold, of several the lowest; 0:
 * none. Sources of priority 0 never interrupt.
 */
static uint32_t best_source(const AxPlic *plic, const struct plic_context *context,
			    uint8_t threshold)
{
	uint32_t best = 0;

	for (uint32_t word = 0; word < plic->words; word++) {
		uint32_t bits = plic->pending[word] & context->enabled[word];

		for (; bits; bits &= bits - 1) {
			uint32_t source = word * 32 + (uint32_t)__builtin_ctz(bits);

			if (plic->priority[source] > threshold) {
				threshold = plic->priority[source];
				best = source;
			}
		}
	}
	return best;
}

/* A hart that does not exist yet is told when the PLIC changes next. */
static bool drive_hart(AxPlic *plic, uint32_t id, bool level)
{
	AxVCpu *hart = ax_vm_vcpu(plic->vm, id);

	if (!hart)
		return false;
	if (level)
		(void)ax_vcpu_inject_interrupt(hart, plic->vector, NULL);
	else
		(void)ax_vcpu_clear_interrupt(hart, plic->vector, NULL);
	return true;
}

void plic_update_context(AxPlic *plic, uint32_t index)
{
	struct plic_context *context = &plic->contexts[index];
	bool output = best_source(plic, context, context->threshold) != 0;

	if (output == context->output)
		return;
	/* Contexts of machine mode are even: harts here have none. */
	if (!plic->vm || index % 2 == 0 || drive_hart(plic, index / 2, output))
		context->output = output;
}

void plic_update(AxPlic *plic)
{
	for (uint32_t i = 0; i < plic->context_count; i++)
		plic_update_context(plic, i);
}

static uint32_t claim(AxPlic *plic, uint32_t index)
{
	/* Section 9: the threshold has no effect on what a claim returns. */
	uint32_t source = best_source(plic, &plic->contexts[index], 0);

	if (!source)
		return 0;
	plic_set_bit(plic->pending, source, false);
	plic_set_bit(plic->claimed, source, true);
	plic_update(plic);
	return source;
}

/* Section 10: what is not enabled for the context is ignored, whoever claimed it. */
static void complete(AxPlic *plic, uint32_t index, uint32_t source)
{
	if (source > plic->sources || !plic_bit(plic->contexts[index].enabled, source) ||
	    !plic_bit(plic->claimed, source))
		return;
	plic_set_bit(plic->claimed, source, false);
	if (plic_bit(plic->level, source))
		plic_set_bit(plic->pending, source, true);
	plic_update(plic);
}

/* Which register an offset is; its index is the context's, its word that of a bitmap. */
enum kind { NOTHING, PRIORITY, PENDING, ENABLE, THRESHOLD, CLAIM };

static enum kind find_register(const AxPlic *plic, uint64_t offset, uint32_t *index, uint32_t *word)
{
	*index = 0;
	*word = 0;
	if (offset < PLIC_PENDING) {
		*index = (uint32_t)(offset / 4);
		return *index && *index <= plic->sources ? PRIORITY : NOTHING;
	}
	if (offset < PLIC_ENABLE) {
		*word = (uint32_t)((offset - PLIC_PENDING) / 4);
		return *word < plic->words ? PENDING : NOTHING;
	}
	if (offset < PLIC_CONTEXT) {
		*index = (uint32_t)((offset - PLIC_ENABLE) / PLIC_ENABLE_STRIDE);
		*word = (uint32_t)((offset - PLIC_ENABLE) % PLIC_ENABLE_STRIDE / 4);
		return *index < plic->context_count && *word < plic->words ? ENABLE : NOTHING;
	}
	*index = (uint32_t)((offset - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE);
	if (*index >= plic->context_count)
		return NOTHING;
	switch (offset % PLIC_CONTEXT_STRIDE) {
	case PLIC_THRESHOLD: return THRESHOLD;
	case PLIC_CLAIM: return CLAIM;
	default: return NOTHING;
	}
}

/* Registers are words; nothing else is defined, and nothing else is answered. */
static bool is_access(const AxPlic *plic, uint64_t offset, AxAccessWidth width)
{
	uint64_t length = PLIC_CONTEXT + (uint64_t)plic->context_count * PLIC_CONTEXT_STRIDE;

	return width == AX_WIDTH_DWORD && offset % 4 == 0 && offset < length;
}

static AxHandled plic_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			   uint64_t *value)
{
	AxPlic *plic = opaque;
	uint32_t index, word;

	if (!is_access(plic, offset, width))
		return AX_UNHANDLED;
	switch (find_register(plic, offset, &index, &word)) {
	case PRIORITY: *value = plic->priority[index]; break;
	case PENDING: *value = plic->pending[word]; break;
	case ENABLE: *value = plic->contexts[index].enabled[word]; break;
	case THRESHOLD: *value = plic->contexts[index].threshold; break;
	case CLAIM: *value = claim(plic, index); break;
	default: *value = 0; break;
	}
	return AX_HANDLED;
}

static AxHandled plic_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t value)
{
	AxPlic *plic = opaque;
	uint32_t index, word;

	if (!is_access(plic, offset, width))
		return AX_UNHANDLED;
	switch (find_register(plic, offset, &index, &word)) {
	case PRIORITY:
		plic->priority[index] = value & PLIC_PRIORITIES;
		plic_update(plic);
		break;
	case ENABLE:
		plic->contexts[index].enabled[word] = (uint32_t)value & plic_valid_bits(plic, word);
		plic_update_context(plic, index);
		break;
	case THRESHOLD:
		plic->contexts[index].threshold = value & PLIC_PRIORITIES;
		plic_update_context(plic, index);
		break;
	case CLAIM: complete(plic, index, (uint32_t)value); break;
	default: break; /* pending bits are for reading */
	}
	return AX_HANDLED;
}

const AxRangeOps plic_ops = {
	.size = sizeof(AxRangeOps),
	.read = plic_read,
	.write = plic_write,
};
