# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/fault-campaign: the table at its end, from faults.tsv. A fault that no event tells of (a signal that came
# just as the attempt ended) counts as recovered, but its time is nobody's.

write_table() {
  printf '\n| fault | times | recovered | noticed after, s: median, worst | next new step after, s: median, worst | steps repeated, worst |\n|---|---|---|---|---|---|\n'
  awk -F'\t' '
    function sort_numbers(a, n,   i, j, t) { for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t } }
    function summary(list,   n, a, i) {
      n = split(list, a, " "); if (n == 0) return "-"
      for (i = 1; i <= n; i++) a[i] += 0
      sort_numbers(a, n)
      return sprintf("%.1f, %.1f", a[int((n + 1) / 2)], a[n])
    }
    NR > 1 {
      if (!($2 in times)) order[++kinds] = $2
      times[$2]++; total++
      if ($7 !~ /^(no new|orphans)/) { good[$2]++; all++ }
      if ($4 != "-") noticed[$2] = noticed[$2] " " $4
      if ($5 != "-" && ($4 != "-" || $2 ~ /^disk/)) fresh[$2] = fresh[$2] " " $5
      if ($6 != "-" && $6 + 0 > repeated[$2] + 0) repeated[$2] = $6
    }
    END {
      for (i = 1; i <= kinds; i++) { k = order[i]
        printf "| %s | %d | %d | %s | %s | %s |\n", k, times[k], good[k], summary(noticed[k]), summary(fresh[k]), (k in repeated) ? repeated[k] : "-" }
      printf "| all | %d | %d | | | |\n", total, all
    }' "$out/faults.tsv"
  printf '\n%d faults in %d runs; %d runs did not end completed with the undisturbed adapter. Seed %d, %d minutes.\n\n' \
    "$done_faults" "$runs" "$bad" "$seed" "$minutes"
}
