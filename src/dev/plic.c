/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PLIC: the object, its place in a VM, its interrupt lines, and its state as bytes. The registers are
 * in plic_regs.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/vm.h>

#include "dev/plic.h"

#define STATE_VERSION 1

/* What the device did; what follows from it is the PLIC's. 0 low, 1 high, 2 a pulse. */
static void tell_record(AxPlic *plic, uint32_t source, uint8_t what)
{
	ax_record_output(ax_dev_record(&plic->link), AX_RECORD_LINE, source, &what, sizeof(what));
}

/* A gateway: a line that is up makes its source pending, once until it has been completed. */
static void line_set(void *opaque, uint32_t source, bool level)
{
	AxPlic *plic = opaque;

	tell_record(plic, source, level);
	ax_lock(plic->lock);
	if (level && !plic_bit(plic->level, source) && !plic_bit(plic->claimed, source)) {
		plic_set_bit(plic->pending, source, true);
		plic_update(plic);
	}
	plic_set_bit(plic->level, source, level);
	ax_unlock(plic->lock);
}

/* An edge while the source is in service is kept until its completion, as if it had come then. */
static void line_pulse(void *opaque, uint32_t source)
{
	AxPlic *plic = opaque;

	tell_record(plic, source, 2);
	ax_lock(plic->lock);
	plic_set_bit(plic->level, source, false);
	plic_set_bit(plic->pending, source, true);
	plic_update(plic);
	ax_unlock(plic->lock);
}

int ax_plic_irq(AxPlic *plic, uint32_t source, AxIrq *irq, AxError *err)
{
	if (!source || source > plic->sources)
		return ax_error_argument(err, -EINVAL, "interrupt source %u: there are 1 to %u",
					 source, plic->sources);
	*irq = (AxIrq){ .set = line_set, .pulse = line_pulse, .opaque = plic, .line = source };
	return 0;
}

/* Lines stay as their devices drive them; what is up by then counts when it rises again. */
static void power_on(AxPlic *plic)
{
	memset(plic->pending, 0, sizeof(plic->pending));
	memset(plic->claimed, 0, sizeof(plic->claimed));
	memset(plic->priority, 0, sizeof(plic->priority));
	for (uint32_t i = 0; i < plic->context_count; i++) {
		plic->contexts[i].threshold = 0;
		memset(plic->contexts[i].enabled, 0, sizeof(plic->contexts[i].enabled));
	}
}

static void plic_reset(void *opaque)
{
	AxPlic *plic = opaque;

	ax_lock(plic->lock);
	power_on(plic);
	plic_update(plic);
	ax_unlock(plic->lock);
}

static int plic_save(void *opaque, AxState *state)
{
	AxPlic *plic = opaque;

	ax_lock(plic->lock);
	ax_state_put_u8(state, STATE_VERSION);
	ax_state_put_u32(state, plic->sources);
	ax_state_put_u32(state, plic->context_count);
	for (uint32_t word = 0; word < plic->words; word++) {
		ax_state_put_u32(state, plic->pending[word]);
		ax_state_put_u32(state, plic->claimed[word]);
	}
	for (uint32_t source = 1; source <= plic->sources; source++)
		ax_state_put_u8(state, plic->priority[source]);
	for (uint32_t i = 0; i < plic->context_count; i++) {
		ax_state_put_u8(state, plic->contexts[i].threshold);
		for (uint32_t word = 0; word < plic->words; word++)
			ax_state_put_u32(state, plic->contexts[i].enabled[word]);
	}
	ax_unlock(plic->lock);
	return ax_state_error(state);
}

/* A word of a bitmap: false when it has bits that are no sources. */
static bool take_word(const AxPlic *plic, uint32_t word, uint32_t *to, AxState *state)
{
	*to = ax_state_get_u32(state);
	return !(*to & ~plic_valid_bits(plic, word));
}

static bool take_state(AxPlic *plic, AxState *state)
{
	if (ax_state_get_u8(state) != STATE_VERSION || ax_state_get_u32(state) != plic->sources ||
	    ax_state_get_u32(state) != plic->context_count)
		return false;
	for (uint32_t word = 0; word < plic->words; word++) {
		if (!take_word(plic, word, &plic->pending[word], state) ||
		    !take_word(plic, word, &plic->claimed[word], state))
			return false;
	}
	for (uint32_t source = 1; source <= plic->sources; source++) {
		plic->priority[source] = ax_state_get_u8(state);
		if (plic->priority[source] > PLIC_PRIORITIES)
			return false;
	}
	for (uint32_t i = 0; i < plic->context_count; i++) {
		plic->contexts[i].threshold = ax_state_get_u8(state);
		if (plic->contexts[i].threshold > PLIC_PRIORITIES)
			return false;
		for (uint32_t word = 0; word < plic->words; word++) {
			if (!take_word(plic, word, &plic->contexts[i].enabled[word], state))
				return false;
		}
	}
	return !ax_state_error(state);
}

static int plic_restore(void *opaque, AxState *state)
{
	AxPlic *plic = opaque;
	bool good;

	ax_lock(plic->lock);
	good = take_state(plic, state);
	if (!good)
		power_on(plic);
	/* Devices that were restored before drive their lines already. */
	for (uint32_t word = 0; good && word < plic->words; word++)
		plic->pending[word] |= plic->level[word] & ~plic->claimed[word];
	plic_update(plic);
	ax_unlock(plic->lock);
	return good ? 0 : -EINVAL;
}

static const AxDeviceOps plic_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = plic_reset,
	.save = plic_save,
	.restore = plic_restore,
};

static int check_config(const AxPlicConfig *config, AxError *err)
{
	if (!config->sources || config->sources > PLIC_SOURCES_MAX)
		return ax_error_argument(err, -EINVAL, "a PLIC has 1 to %d sources, not %u",
					 PLIC_SOURCES_MAX, config->sources);
	if (!config->harts || config->harts > PLIC_HARTS_MAX) {
		ax_error_argument(err, -EINVAL, "a PLIC has 1 to %d harts, not %u", PLIC_HARTS_MAX,
				  config->harts);
		return -EINVAL; /* which the analyser has to see */
	}
	return 0;
}

int ax_plic_new(const AxPlicConfig *config, AxPlic **out, AxError *err)
{
	AxPlicConfig known = AX_PLIC_CONFIG_INIT;
	AxPlic *plic;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxPlicConfig", err);
	if (!ret)
		ret = check_config(&known, err);
	if (ret)
		return ret;
	plic = calloc(1, sizeof(*plic));
	if (!plic)
		return ax_dev_error_nomem(err, "a PLIC");
	ret = ax_dev_name(&plic->link, known.name, "plic", err);
	if (ret)
		goto fail;
	plic->sources = known.sources;
	plic->words = known.sources / 32 + 1;
	plic->context_count = 2 * known.harts;
	plic->vector = known.vector;
	plic->contexts = calloc(plic->context_count, sizeof(*plic->contexts));
	plic->lock = ax_lock_new();
	if (!plic->contexts || !plic->lock) {
		ret = ax_dev_error_nomem(err, "a PLIC");
		goto fail;
	}
	*out = plic;
	return 0;

fail:
	ax_plic_free(plic);
	return ret;
}

/* Let the harts' lines of the old VM fall; drive those of the new one, which start low. */
static void connect_harts(AxPlic *plic, AxVm *vm)
{
	ax_lock(plic->lock);
	for (uint32_t i = 1; i < plic->context_count; i += 2) {
		AxVCpu *hart = plic->vm ? ax_vm_vcpu(plic->vm, i / 2) : NULL;

		if (hart && plic->contexts[i].output)
			(void)ax_vcpu_clear_interrupt(hart, plic->vector, NULL);
		plic->contexts[i].output = false;
	}
	plic->vm = vm;
	plic_update(plic);
	ax_unlock(plic->lock);
}

int ax_plic_attach(AxPlic *plic, AxVm *vm, AxGuestPhysAddr base, AxError *err)
{
	const struct ax_dev_window window = {
		.space = AX_SPACE_MMIO,
		.base = base,
		.length = PLIC_CONTEXT + (uint64_t)plic->context_count * PLIC_CONTEXT_STRIDE,
		.ops = &plic_ops,
	};
	int ret;

	ret = ax_dev_attach(&plic->link, vm, &window, 1, plic->lock, &plic_device_ops, plic, err);
	if (ret)
		return ret;
	connect_harts(plic, vm);
	return 0;
}

int ax_plic_detach(AxPlic *plic, AxError *err)
{
	int ret;

	ret = ax_dev_detach(&plic->link, err);
	if (ret)
		return ret;
	connect_harts(plic, NULL);
	return 0;
}

void ax_plic_free(AxPlic *plic)
{
	if (!plic)
		return;
	ax_lock_free(plic->lock);
	free(plic->contexts);
	free(plic);
}
