// Draws the panels of data.json with Grafana's own components.
import { createRoot } from 'react-dom/client';
import {
    FieldType, applyFieldOverrides, createTheme, dateTime, getDisplayProcessor, ThemeContext, toDataFrame,
} from '@grafana/data';
import { GlobalStyles, PanelChrome, PanelContextProvider, Table, TimeSeries } from '@grafana/ui';
import 'uplot/dist/uPlot.min.css';

const COLUMN = 58, ROW = 34, GAP = 8;
const theme = createTheme({ colors: { mode: 'dark' } });
const data = await (await fetch('data.json')).json();
const range = {
    from: dateTime(data.from), to: dateTime(data.to),
    raw: { from: dateTime(data.from), to: dateTime(data.to) },
};

function prepared(frames, defaults, overrides = []) {
    return applyFieldOverrides({
        data: frames, theme, timeZone: 'utc', replaceVariables: text => text,
        fieldConfig: { defaults: { color: { mode: 'palette-classic' }, ...defaults }, overrides },
    });
}

// applyFieldOverrides() knows only what a panel of Grafana itself registers: put it in by hand.
function lines(panel) {
    const frames = panel.series.map(series => toDataFrame({ name: series.name, fields: [
        { name: 'Time', type: FieldType.time, values: series.times, config: {} },
        { name: series.name, type: FieldType.number, values: series.values, config: {
            ...panel.defaults, displayName: series.name, color: { mode: 'palette-classic' } } },
    ] }));
    return prepared(frames, {});
}

function rows(panel) {
    const frame = toDataFrame({ fields: panel.columns.map(column => ({
        name: column.name, values: column.values,
        type: column.unit ? FieldType.number : FieldType.string,
        config: { unit: column.unit, custom: { width: column.unit ? 96 : 136 } },
    })) });
    const [out] = prepared([frame], {});
    out.fields.forEach(field => { field.display = getDisplayProcessor({ field, theme }); });
    return out;
}

function Panel({ panel }) {
    const { x, y, w, h } = panel.place;
    const box = { position: 'absolute', left: GAP + x * COLUMN, top: GAP + y * ROW };
    return (
        <div style={box}>
            <PanelChrome title={panel.title} width={w * COLUMN - GAP} height={h * ROW - GAP}>
                {(width, height) => panel.columns
                    ? <Table data={rows(panel)} width={width} height={height} />
                    : <TimeSeries frames={lines(panel)} structureRev={1} width={width} height={height}
                        timeRange={range} timeZone="utc" options={{}}
                        legend={{ displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] }} />}
            </PanelChrome>
        </div>
    );
}

createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
        <GlobalStyles />
        <div style={{ background: theme.colors.background.canvas, position: 'fixed', inset: 0 }}>
            {data.panels.map(panel => <Panel key={panel.title} panel={panel} />)}
        </div>
    </ThemeContext.Provider>);
