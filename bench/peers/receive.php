<?php
// RingCentral's PHP sample, made durable: echo the Validation-Token, keep the event.
if (isset($_SERVER['HTTP_VALIDATION_TOKEN']))
    header('Validation-Token: ' . $_SERVER['HTTP_VALIDATION_TOKEN']);
$body = file_get_contents('php://input');
$uuid = json_decode($body)->uuid;
if (!preg_match('/^[A-Za-z0-9-]+$/', $uuid))
    exit(http_response_code(400));
$spool = getenv('SPOOL');
$part = "$spool/tmp/$uuid";
$file = fopen($part, 'x');
fwrite($file, $body);
if (!fsync($file) || !rename($part, "$spool/new/$uuid.json") || !fsync(fopen("$spool/new", 'r')))
    http_response_code(503);
