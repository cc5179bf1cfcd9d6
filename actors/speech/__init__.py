"""From words to sounds: what a local voice needs to have spelled out before it can speak. Knows no job and no voice."""
