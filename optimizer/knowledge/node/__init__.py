"""Package managers of Node.js: npm and its relatives."""
