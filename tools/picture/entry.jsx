import { initPluginTranslations } from '@grafana/i18n';

initPluginTranslations('spanmill').finally(() => import('./app.jsx'));
