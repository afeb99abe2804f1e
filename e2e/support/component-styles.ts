import '../../app/globals.css';
