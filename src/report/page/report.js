'use strict';
// Draws the curves. The data is in the page (id "curves"): one array per column, bands as [lowest, mean, highest].
(function () {
  const element = document.getElementById('curves');
  if (!element) return;
  if (typeof Dygraph === 'undefined') {
    document.querySelectorAll('.chart').forEach(node => {
      node.style.height = 'auto';
      node.textContent = 'No chart: this program was built without dygraphs. The table below has the figures.';
    });
    return;
  }
  const data = JSON.parse(element.textContent);
  const charts = [];
  let byTime = false;

  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = v => v === null || v === undefined || isNaN(v) ? 'unknown'
    : v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e6) ? v.toExponential(2).replace(/\.?0+e/, 'e').replace('e+', 'e') : String(+v.toPrecision(5));
  // The axis of time counts in the largest unit that leaves a few of it.
  const last = data.series.length ? Math.max(...data.series.map(s => s.seconds[s.seconds.length - 1] || 0)) : 0;
  const unit = last > 7200 ? ['h', 3600] : last > 180 ? ['min', 60] : ['s', 1];
  const xOf = (series, i) => byTime ? series.seconds[i] / unit[1] : series.step[i];

  // Rows of all series on one x axis: what a series does not have there is null.
  function rows(column, extra) {
    const at = new Map(), width = data.series.length + (extra ? 1 : 0);
    const put = (x, index, value) => {
      if (!at.has(x)) at.set(x, new Array(width).fill(null));
      at.get(x)[index] = value;
    };
    data.series.forEach((series, s) => series[column].forEach((v, i) => put(xOf(series, i), s, v)));
    if (extra) extra.forEach(e => put(byTime ? e.seconds / unit[1] : e.step, width - 1, [e.loss, e.loss, e.loss]));
    return [...at.entries()].sort((a, b) => a[0] - b[0]).map(([x, values]) => [x, ...values]);
  }

  function marks(canvas, area, graph) {
    data.marks.forEach(mark => {
      const x = graph.toDomXCoord(byTime ? mark.seconds / unit[1] : mark.step);
      if (!(x >= area.x && x <= area.x + area.w)) return;
      canvas.strokeStyle = style(mark.bad ? '--bad' : '--warn');
      canvas.setLineDash([4, 3]);
      canvas.beginPath(); canvas.moveTo(x, area.y); canvas.lineTo(x, area.y + area.h); canvas.stroke();
      canvas.setLineDash([]);
    });
  }

  function draw(node) {
    const column = node.dataset.column, stacked = column === 'phases_ms';
    const extra = column === 'loss' && data.evaluations.length ? data.evaluations : null;
    const reading = node.nextElementSibling;
    const labels = [byTime ? 'time' : 'step'], narrow = node.clientWidth < 500;
    let table, colors;
    if (stacked) {
      const series = data.series[0];
      table = series.phases_ms.map((row, i) => [xOf(series, i), ...row]);
      labels.push(...data.phases);
      colors = data.phases.map((_, i) => style('--p' + i));
    } else {
      table = rows(column, extra);
      labels.push(...data.series.map(s => s.name));
      colors = data.series.map((_, i) => style(data.series.length === 1 ? '--accent' : '--p' + i));
      if (extra) { labels.push('validation loss'); colors.push(style('--p3')); }
    }
    if (!table.length) { node.textContent = 'nothing was recorded'; return; }
    const seriesOptions = {};
    if (extra) seriesOptions['validation loss'] = { drawPoints: true, pointSize: 3, strokeWidth: 1.5 };
    const graph = new Dygraph(node, table, {
      labels, colors, series: seriesOptions, customBars: !stacked, stackedGraph: stacked, fillGraph: stacked,
      connectSeparatedPoints: true, legend: 'never', strokeWidth: 1.5, fillAlpha: stacked ? 0.75 : 0.2,
      gridLineColor: style('--line'), axisLineColor: style('--line'), includeZero: stacked || column === 'tokens_per_s',
      xlabel: byTime ? 'time since the first step (' + unit[0] + ')' : 'optimizer step (number)',
      ylabel: node.dataset.axis, labelsKMB: false, xLabelHeight: 18, yLabelWidth: 20,
      axes: { x: { axisLabelFormatter: v => short(v), pixelsPerLabel: narrow ? 70 : 90 },
              y: { axisLabelFormatter: v => short(v), axisLabelWidth: 60, pixelsPerLabel: 40 } },
      underlayCallback: marks,
      highlightCallback: (event, x, points, row) => {
        const parts = [(byTime ? short(x) + ' ' + unit[0] : 'step ' + x)];
        table[row].slice(1).forEach((value, i) => {
          if (value === null || value[1] === null) return;
          const text = stacked ? short(value) + ' ms' : short(value[1]) + ' ' + node.dataset.unit +
            (value[0] !== value[2] ? ' (' + short(value[0]) + ' to ' + short(value[2]) + ')' : '');
          parts.push(labels[i + 1] + ' ' + text);
        });
        reading.textContent = parts.join('  ·  ');
      },
      unhighlightCallback: () => { reading.textContent = reading.dataset.rest; },
    });
    charts.push(graph);
    const shown = labels.slice(1);
    if (shown.length > 1) {
      const key = node.previousElementSibling.classList.contains('key') ? node.previousElementSibling : document.createElement('div');
      key.className = 'key';
      key.replaceChildren(...shown.map((name, i) => {
        const entry = document.createElement('span'), swatch = document.createElement('i');
        swatch.style.background = colors[i];
        entry.append(swatch, name === 'mean' ? 'training' : name);
        return entry;
      }));
      node.before(key);
    }
  }

  function drawAll() {
    charts.splice(0).forEach(graph => graph.destroy());
    document.querySelectorAll('.chart').forEach(draw);
  }

  document.querySelectorAll('input[name=axis]').forEach(input => input.addEventListener('change', () => {
    byTime = input.value === 'time';
    drawAll();
  }));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  addEventListener('beforeprint', drawAll);
  addEventListener('afterprint', drawAll);
  drawAll();
})();
