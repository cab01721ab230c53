# SPDX-License-Identifier: Apache-2.0
# AXVMM_GUESTS: which tiny guests the architecture has, from the one place that says so,
# guests/$AX_ARCH/guests.list. After AXVMM_ARCH. guests/local.mk describes the variables.
AC_DEFUN([AXVMM_GUESTS], [
	AC_REQUIRE([AXVMM_ARCH])dnl
	GUEST_LIST=
	GUEST_IMAGES=
	GUEST_SHARED=
	GUEST_FILES=
	ax_guest_dir=guests/$AX_ARCH
	AS_IF([test -f "$srcdir/$ax_guest_dir/guests.list"], [
		GUEST_LIST=$ax_guest_dir/guests.list
		ax_guest_names=`sed -e '/^@%:@/d' -e 's/ .*//' "$srcdir/$GUEST_LIST"`
		for ax_guest in $ax_guest_names; do
			GUEST_IMAGES="$GUEST_IMAGES $ax_guest_dir/$ax_guest.img"
		done
		# Another row is another guest: configure again.
		AC_SUBST([CONFIG_STATUS_DEPENDENCIES], ['$(srcdir)/$(GUEST_LIST)'])
	])
	for ax_guest_file in "$srcdir"/guests/*/*; do
		ax_guest_base=`AS_BASENAME(["$ax_guest_file"])`
		ax_guest_folder=`AS_DIRNAME(["$ax_guest_file"])`
		ax_guest_folder=guests/`AS_BASENAME(["$ax_guest_folder"])`
		# Sources only: a build inside the source tree leaves other files there.
		AS_CASE([$ax_guest_base],
			[*.S|*.inc|*.ld|*.list|*.conf],
				[GUEST_FILES="$GUEST_FILES $ax_guest_folder/$ax_guest_base"])
		AS_CASE([$ax_guest_folder/$ax_guest_base],
			[$ax_guest_dir/*.inc|$ax_guest_dir/*.ld|$ax_guest_dir/*.conf|$ax_guest_dir/*.list],
				[GUEST_SHARED="$GUEST_SHARED $ax_guest_folder/$ax_guest_base"])
	done
	AC_SUBST([GUEST_LIST])
	AC_SUBST([GUEST_IMAGES])
	AC_SUBST([GUEST_SHARED])
	AC_SUBST([GUEST_FILES])
])
