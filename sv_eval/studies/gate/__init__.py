"""The regression gate: is a candidate no worse than its baseline, by rules that were settled beforehand?"""
