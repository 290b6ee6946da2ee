import './ui/stoa-app.js';
