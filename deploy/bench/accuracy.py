#!/usr/bin/env python3
"""Print how right the rules are on recordings: false alerts against delay, at each budget.

    accuracy.py BINARY FOLDER

FOLDER holds score.py and recordings/<name>/readings.csv.gz. Each recording is played once with all budgets side by side, and score.py,
not the product, does the arithmetic. Standard library only.
"""
import json, os, subprocess, sys, tempfile

BUDGETS = ['33', '12', '4']
MANY = 700  # alerts: beyond, score.py's Poisson interval does not end (exp underflows), and half to one and a half of the budget is wider anyway
COLUMNS = [('false/home-year', 'false_per_home_year'), ('kept', 'budget_kept'), ('questions', 'questions_per_home_year'), ('mean delay', 'mean_delay_h'),
           ('p90', 'p90_delay_h'), ('after door p95', 'after_door_p95_h'), ('yardstick', 'yardstick_mean_delay_h'), ('ratio', 'ratio')]

def cell(v):
    return '-' if v is None else ('yes' if v else 'NO') if isinstance(v, bool) else str(v)

def main(binary, folder):
    score = os.path.join(folder, 'score.py')
    root = os.path.join(folder, 'recordings')
    if not os.path.exists(score) or not os.path.isdir(root):
        print(f'left out: needs recordings and score.py in {folder} (RECORDINGS=… names another folder)')
        return 0
    print('| recording | budget |', ' | '.join(n for n, _ in COLUMNS), '|\n|---|---:|' + '---:|' * len(COLUMNS))
    wrong = 0
    for name in sorted(os.listdir(root)):
        recording = os.path.join(root, name)
        if not any(os.path.exists(os.path.join(recording, f)) for f in ('readings.csv.gz', 'readings.csv')):
            continue
        with tempfile.TemporaryDirectory() as out:
            run = subprocess.run([binary, 'backtest', '--readings', recording, '--shadow', '1h', '--budget', ','.join(BUDGETS), '--actograms', '0', '--out', out],
                                 capture_output=True, text=True)
            if run.returncode:
                print(f'| {name} | {run.stderr.strip()} |', flush=True)
                wrong = 1
                continue
            for b in BUDGETS:
                results = os.path.join(out, 'budget-' + b)
                expected = float(b) * json.load(open(os.path.join(results, 'summary.json')))['silence']['home_years']
                few = ['--budget', b] if expected < MANY else []
                got = subprocess.run([sys.executable, score, '--recording', recording, '--out', results, '--json', *few], capture_output=True, text=True)
                if got.returncode:
                    print(f'| {name} | {b} | not scored: {got.stderr.strip().splitlines()[-1]} |', flush=True)
                    continue
                figures = json.loads(got.stdout)
                if not few:
                    figures['budget_kept'] = 0.5 * expected <= figures['false_alerts'] <= 1.5 * expected
                print(f'| {name} | {b} |', ' | '.join(cell(figures.get(k)) for _, k in COLUMNS), '|', flush=True)
    return wrong

if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
