/** Why Barua does not start, in sentences for whoever runs it. They name places and settings, never what was sent. */
export class StartError extends Error {}
